"""Drop what needs the repository's address while `_config.yml` leaves it empty."""

BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button", "use_source_button")


def drop_buttons(app, config):
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options.update(dict.fromkeys(BUTTONS, False))


def setup(app):
    app.connect("config-inited", drop_buttons)
    return {"version": "1", "parallel_read_safe": True}
