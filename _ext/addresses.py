"""Show the links to the repository once `_config.yml` gives its address, and not before."""

BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")


def add_buttons(app, config):
    if config.html_theme_options.get("repository_url"):
        config.html_theme_options.update(dict.fromkeys(BUTTONS, True))


def setup(app):
    app.connect("config-inited", add_buttons, priority=100)  # before the theme reads them
    return {"version": "1", "parallel_read_safe": True}
