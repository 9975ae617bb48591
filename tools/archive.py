"""Pack the built site into _build/book.zip, which a reader unpacks and opens from disk.

The same site gives the same bytes: the files are sorted, and their times are not kept.
"""

from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import book

FOLDER = "batchnorm-backward"  # what unpacking makes


def pack(site, target):
    """Pack a folder, under the name FOLDER."""
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    with ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = ZipInfo(f"{FOLDER}/{name}")  # of 1980
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every platform
            archive.writestr(entry, files[name].read_bytes(), ZIP_DEFLATED, 9)


if __name__ == "__main__":
    site, target = book.build().parent, book.ROOT / "_build" / "book.zip"
    pack(site, target)
    print(f"The site is packed: {target.as_uri()}")
