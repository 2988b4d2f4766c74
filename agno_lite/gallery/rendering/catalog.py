"""Translations, from gettext catalogues.

Messages are in English, the language of the code. Two catalogues give their Chinese: this package's
own holds the words of the interface, the project's (`docs/locales/zh.po`) holds the docstring sentences
and other texts of its code that pages show. A text without a good translation is shown in English and
noted, so that a check can fail.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from agno_lite.exceptions import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agno_lite.gallery.config import Project

SOURCE_LOCALE = "en"
"""Language of the messages. It needs no catalogue."""
_HEADER = """\
msgid ""
msgstr ""
"Language: {catalog.locale_identifier}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {catalog.plural_forms}\\n"

"""
"""What tools for catalogues need to know. Babel would add dates and authors."""
_INTERFACE = Path(__file__).parent / "locales"


def catalog_path(project: Project, locale: str) -> Path:
    """Where a project keeps the translations of its code's texts: `docs/locales/zh.po`."""
    return project.root / project.docs / "locales" / f"{locale}.po"


@dataclass(slots=True, kw_only=True)
class Texts:
    """The words of one language."""

    locale: str
    """Which language."""
    interface: Catalog
    """Words of the pages themselves."""
    code: Catalog
    """Texts taken from the project's code."""
    asked: set[str] = field(default_factory=set)
    """Texts of the code that pages have shown so far."""
    missing: set[str] = field(default_factory=set)
    """Those of all texts shown so far that have no translation, or a fuzzy one."""

    def gettext(self, message: str, /, **values: object) -> str:
        """A text of the interface, with values put in as `%(name)s`."""
        found = self._find(self.interface, message)
        text = found if isinstance(found, str) else message
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """A text of the interface about `number` things, which it may name as `%(num)d`."""
        found = self._find(self.interface, one)
        forms = found if isinstance(found, tuple) else (one, many)
        text = forms[0] if number == 1 else forms[-1]
        return text % {"num": number, **values}

    def translate(self, message: str) -> str:
        """A text of the project's code."""
        if not message:
            return ""
        self.asked.add(message)
        found = self._find(self.code, message)
        return found if isinstance(found, str) else message

    def _find(self, catalog: Catalog, message: str) -> str | tuple[str, ...] | None:
        if self.locale == SOURCE_LOCALE:
            return None
        entry = catalog.get(message)
        translated = entry is not None and not entry.fuzzy and _filled(entry.string)
        if entry is None or not translated:
            self.missing.add(message)
            return None
        return entry.string if isinstance(entry.string, str) else tuple(entry.string or ())


def load_texts(project: Project, locale: str) -> Texts:
    """Read the catalogues of a language; a catalogue that is not there is empty.

    Raises:
        SourceError: a catalogue cannot be read.
    """
    return Texts(
        locale=locale,
        interface=_read(_INTERFACE / f"{locale}.po", locale),
        code=_read(catalog_path(project, locale), locale),
    )


def update_catalog(project: Project, locale: str, messages: Iterable[str]) -> Path:
    """Bring a project's catalogue in step with its code and say where it is.

    New messages are added without a translation. One that replaces a similar message keeps its
    translation, marked fuzzy. Messages no longer used move to the end, as obsolete.

    Raises:
        SourceError: the catalogue cannot be read.
    """
    path = catalog_path(project, locale)
    template = Catalog(charset="utf-8")
    for message in sorted(messages):
        template.add(message)
    catalog = _read(path, locale)
    catalog.update(template, update_header_comment=False)
    _write(path, catalog)
    return path


def _filled(string: object) -> bool:
    """Whether a translation has text, in all its plural forms."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _read(path: Path, locale: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=locale)
    try:
        return read_po(io.BytesIO(path.read_bytes()), locale=locale, abort_invalid=True)
    except PoFileError as error:
        raise SourceError(
            f"expected a gettext catalogue, found {error.line!r}; correct the line, or restore the file",
            path=path.as_posix(),
            line=error.lineno + 1,
        ) from error


def _write(path: Path, catalog: Catalog) -> None:
    """Write beside the file, then rename: a catalogue is never half there."""
    buffer = io.BytesIO(_HEADER.format(catalog=catalog).encode())
    buffer.seek(0, io.SEEK_END)
    write_po(buffer, catalog, width=100, sort_output=True, include_previous=True, omit_header=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(buffer.getvalue())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
