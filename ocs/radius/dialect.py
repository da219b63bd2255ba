"""Dialects: how a family of gateways writes a request and reads an answer. Data first: TOML files.

Owns: loading, checking and compiling the files of `ocs/radius/dialects/` and of an operator's folder. Does
not own: the request that is made of it (`ocs.radius.translate`). The fields of `Dialect` explain the keys,
`ocs.radius.reader` the expressions, `template` and `condition` the rest.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from ocs.errors import InputError
from ocs.ports import IdentityKind
from ocs.radius.condition import Condition
from ocs.radius.dictionary import SHIPPED as DICTIONARIES
from ocs.radius.dictionary import Attribute, Dictionary, find_file, load_dictionary
from ocs.radius.reader import (
    CountReader,
    TextReader,
    TextsReader,
    ValuesReader,
    compile_count,
    compile_text,
    compile_texts,
    read_values,
)
from ocs.radius.renewal import RenewalReader
from ocs.radius.template import GroupTemplate, Template
from ocs.radius.toml_place import find_line
from ocs.units import SERVICES, Service

SHIPPED: Final = Path(__file__).with_name("dialects")
BASE_DICTIONARIES: Final = ("rfc", "cisco")
"What every dialect can name."

NUMBERS: Final = frozenset({IdentityKind.ANI, IdentityKind.VIRTUAL, IdentityKind.DID})
"Identities that are the calling or called number."

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """The service of packets that meet a condition."""

    service: Service
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One gateway family, compiled."""

    name: str
    description: str
    dictionary: Dictionary
    "The family's attributes by name: numbers collide between families."
    identities: Mapping[IdentityKind, Sequence[TextReader]]
    "By kind; those that are numbers are the calling or the called one."
    strips_realm: bool
    "Whether a user name may carry a realm, alice@example.com, that the subscriber's record does not."
    called: Sequence[TextReader]
    calling: Sequence[TextReader]
    access_code: Sequence[TextReader]
    network: Sequence[TextReader]
    "MCC and MNC of a message's recipient."
    scope: Sequence[TextReader]
    "What tells apart the boxes behind one address; all that are present are part of the session key."
    keys: Sequence[Sequence[TextReader]]
    "Recipes of the session key: the first whose parts are all present."
    leg: Sequence[TextReader]
    charged_legs: frozenset[str]
    "Legs that are charged, in lower case; a report without a leg always is."
    answered: Condition | None
    "What an Interim-Update must have to prove that the service has started; None: nothing."
    renews: bool
    """Whether it asks again with an Access-Request when a grant is used up. Equipment that neither renews nor
    disconnects is granted whole, whatever its gateway's policy."""
    renewal: RenewalReader | None
    "Where each Access-Request may say by itself that its equipment renews this session; None: nowhere."
    joins_by_number: bool
    """Whether its accounting names a call otherwise than its Access-Request did, without our Class: then the
    numbers and the time join them (`ocs.radius.pending`)."""
    shares_message_ids: bool
    """Whether several messages may carry one session id, as SIP requests of one Call-ID do: then every
    Access-Request for a message is charged by itself, and only its retransmissions are free."""
    service_named_by: Sequence[TextReader]
    "What names the service outright."
    services: Sequence[ServiceRule]
    "Otherwise the first that is met."
    seconds: Sequence[CountReader]
    octets_in: Sequence[CountReader]
    octets_out: Sequence[CountReader]
    messages: Sequence[CountReader]
    swapped: Condition | None
    "When input and output are seen from the other side."
    event: Sequence[TextReader]
    "The event's written time."
    stop_event: Sequence[TextReader]
    "The same, in a Stop."
    delay: Sequence[CountReader]
    delay_max_s: int
    "A longer delay is not believed."
    end_cause: Sequence[TextReader]
    makes_nonces: bool
    "Whether its digest nonces are its own even with the attributes of RFC 5090, where they should be ours."
    fixed_passwords: frozenset[bytes]
    """Words that equipment sends where a password would be: they prove nothing where the gateway vouches for
    its subscribers."""
    authenticates: Condition | None
    "When an Access-Request only checks a password, although it may name a number: a SIP REGISTER."
    disconnects: bool
    "Whether it honours Disconnect-Requests."
    identifies: Sequence[tuple[Attribute, ValuesReader]]
    "What must be repeated as it was sent to find the session again (RFC 5176 section 3)."
    accept: Sequence[Template | GroupTemplate]
    authenticated: Sequence[Template | GroupTemplate]
    "Added to the Accept of a mere authentication."
    granted_seconds: Sequence[Template | GroupTemplate]
    granted_octets: Sequence[Template | GroupTemplate]
    sliced: Sequence[Template | GroupTemplate]
    "Added when the policy grants slices."
    renewed: Sequence[Template | GroupTemplate]
    "Added to slices that the equipment asked for by itself."
    reject: Sequence[Template | GroupTemplate]
    reported: Sequence[Template | GroupTemplate]
    "Accounting-Response, for equipment that reads quota there."
    changed: Sequence[Template | GroupTemplate]
    "CoA-Request after a report, for equipment that takes new limits there."


def load_dialects(folders: Sequence[Path] = ()) -> dict[str, Dialect]:
    """Read every dialect: the shipped ones, then those of the folders, which replace others of their name.

    Raises:
        InputError: a file is wrong: its name, the key and the reason.
    """
    files: dict[str, Path] = {}
    for folder in (SHIPPED, *folders):
        files.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    documents = {name: _read_document(path) for name, path in files.items()}
    dialects = {}
    for name in documents:
        try:
            dialects[name] = _compile(name, _inherit(name, documents, files), files[name], folders)
        except InputError as error:
            raise _with_line(error, _lineage(name, documents, files)) from error
    return dialects


def _lineage(name: str, documents: Mapping[str, dict[str, Any]], files: Mapping[str, Path]) -> Sequence[Path]:
    """The file of a dialect and those of what it extends, in this order."""
    names: list[str] = []
    while name in documents and name not in names:
        names.append(name)
        name = str(documents[name].get("extends"))
    return [files[name] for name in names]


def _with_line(error: InputError, lineage: Sequence[Path]) -> InputError:
    """The error with the line at which its key stands, in the first file of the lineage that has it."""
    path, *keys = error.place.split(": ")
    if path != str(lineage[0]) or not keys:
        return error
    for file in lineage:
        line = find_line(file.read_text(), keys)
        if line:
            return InputError(": ".join([f"{file} line {line}", *keys]), error.reason)
    return error


def _read_document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(str(path), str(error)) from error


def _inherit(
    name: str,
    documents: Mapping[str, dict[str, Any]],
    files: Mapping[str, Path],
    *,
    heirs: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The document with what it does not say itself taken from the one it extends, key by key."""
    document = documents[name]
    base = document.get("extends")
    if base is None:
        return document
    if base not in documents or base in (name, *heirs):
        raise InputError(f"{files[name]}: extends", f"{base!r} is no other dialect")
    return _merge(_inherit(base, documents, files, heirs=(name, *heirs)), document)


def _merge(base: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The base with what the document says instead; tables are merged key by key, lists are replaced."""
    merged = dict(base)
    for key, value in document.items():
        inherited = merged.get(key)
        if isinstance(value, dict) and isinstance(inherited, dict):
            merged[key] = _merge(inherited, value)
        else:
            merged[key] = value
    return merged


def _compile(name: str, document: dict[str, Any], path: Path, folders: Sequence[Path]) -> Dialect:
    """Turn a document into a dialect; what remains in it afterwards is a mistake."""
    root = _Table(document, str(path))
    root.take("extends", str, "")
    extra = root.texts("dictionaries")
    try:
        for each in extra:
            find_file(f"dictionary.{each}", [*folders, DICTIONARIES])
    except InputError as error:
        raise InputError(f"{path}: dictionaries: {error.place}", error.reason) from error
    dictionary = load_dictionary([*BASE_DICTIONARIES, *extra], folders)
    identity, call = root.table("identity", dictionary), root.table("call", dictionary)
    session, usage = root.table("session", dictionary), root.table("usage", dictionary)
    times, access = root.table("times", dictionary), root.table("access", dictionary)
    reply = root.table("reply", dictionary)
    named_by = _Table({"named_by": root.texts("service_named_by")}, str(path), dictionary).text_readers(
        "named_by"
    )
    dialect = Dialect(
        name=name,
        description=root.take("description", str, ""),
        dictionary=dictionary,
        identities={kind: identity.text_readers(kind.value) for kind in IdentityKind if kind not in NUMBERS},
        strips_realm=identity.take("strips_realm", bool, default=False),
        called=call.text_readers("called"),
        calling=call.text_readers("calling"),
        access_code=call.text_readers("access_code"),
        network=call.text_readers("network"),
        end_cause=call.text_readers("end_cause"),
        scope=session.text_readers("scope"),
        keys=session.recipes("key"),
        leg=session.text_readers("leg"),
        charged_legs=frozenset(leg.lower() for leg in session.texts("charged_legs")),
        answered=session.condition("answered_when"),
        renews=session.take("renews", bool, default=False),
        renewal=_compile_renewal(root.table("renewal", dictionary)),
        joins_by_number=session.take("joins_by_number", bool, default=False),
        shares_message_ids=session.take("shares_message_ids", bool, default=False),
        disconnects=session.take("disconnects", bool, default=False),
        identifies=session.values_readers("identifies"),
        service_named_by=named_by,
        services=_compile_services(root, dictionary),
        seconds=usage.count_readers("seconds"),
        octets_in=usage.count_readers("octets_in"),
        octets_out=usage.count_readers("octets_out"),
        messages=usage.count_readers("messages"),
        swapped=usage.condition("swapped_when"),
        event=times.text_readers("event"),
        stop_event=times.text_readers("stop_event"),
        delay=times.count_readers("delay"),
        delay_max_s=times.take("delay_max_s", int, 0),
        makes_nonces=access.take("makes_nonces", bool, default=False),
        fixed_passwords=frozenset(word.encode() for word in access.texts("fixed_passwords")),
        authenticates=access.condition("authenticates_when"),
        accept=reply.templates("accept"),
        authenticated=reply.templates("authenticated"),
        granted_seconds=reply.templates("seconds"),
        granted_octets=reply.templates("octets"),
        sliced=reply.templates("sliced"),
        renewed=reply.templates("renewed"),
        reject=reply.templates("reject"),
        reported=reply.templates("reported"),
        changed=reply.templates("changed"),
    )
    for table in (root, identity, call, session, usage, times, access, reply):
        table.finish()
    return dialect


def _compile_renewal(table: "_Table") -> RenewalReader | None:
    """Where equipment says that it asks again, and what it calls the seconds of a session there."""
    places, bases = table.texts_readers("asked_in"), table.texts("second_bases")
    table.finish()
    if bool(places) != bool(bases):
        raise InputError(table.place, "asked_in and second_bases need each other")
    return RenewalReader(places, bases) if places else None


def _compile_services(root: "_Table", dictionary: Dictionary) -> list[ServiceRule]:
    """The rules in order. The last one should have no condition: it is the family's usual service."""
    rules = []
    for number, document in enumerate(root.take("service", list, []), start=1):
        table = _Table(document, f"{root.place}: service {number}", dictionary)
        name = table.take("name", str, "")
        if name not in SERVICES:
            raise InputError(f"{table.place}: name", f"{name!r} is none of {', '.join(SERVICES)}")
        rules.append(ServiceRule(SERVICES[name], table.condition("when") or Condition({}, dictionary)))
        table.finish()
    if not rules:
        raise InputError(f"{root.place}: service", "at least one [[service]] is needed")
    return rules


class _Table:
    """One table of a document that is taken apart key by key; every error names the file and the key."""

    def __init__(self, document: Any, place: str, dictionary: Dictionary | None = None) -> None:
        if not isinstance(document, dict):
            raise InputError(place, "must be a table")
        self._left = dict(document)
        self.place = place
        self._dictionary = dictionary or Dictionary()

    def take(self, key: str, kind: type[_T], default: _T) -> _T:
        """The value of a key, which must be of this type."""
        value = self._left.pop(key, default)
        if type(value) is not kind:
            raise InputError(f"{self.place}: {key}", f"must be a {kind.__name__}, not {value!r}")
        return value

    def table(self, key: str, dictionary: Dictionary) -> "_Table":
        """The sub-table of a key; an empty one when it is absent."""
        return _Table(self._left.pop(key, {}), f"{self.place}: {key}", dictionary)

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty when absent."""
        values: list[Any] = self.take(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise InputError(f"{self.place}: {key}", "must be a list of texts")
        return values

    def text_readers(self, key: str) -> tuple[TextReader, ...]:
        """A list of expressions that read texts."""
        return self._compiled(key, self.texts(key), lambda text: compile_text(text, self._dictionary))

    def texts_readers(self, key: str) -> tuple[TextsReader, ...]:
        """A list of attributes, or of pairs in them, of which every value counts."""
        return self._compiled(key, self.texts(key), lambda text: compile_texts(text, self._dictionary))

    def count_readers(self, key: str) -> tuple[CountReader, ...]:
        """A list of expressions that read counts."""
        return self._compiled(key, self.texts(key), lambda text: compile_count(text, self._dictionary))

    def recipes(self, key: str) -> tuple[tuple[TextReader, ...], ...]:
        """A list of recipes: expressions joined by ``+``."""

        def compile_recipe(recipe: str) -> tuple[TextReader, ...]:
            return tuple(compile_text(part, self._dictionary) for part in recipe.split("+"))

        return self._compiled(key, self.texts(key), compile_recipe)

    def values_readers(self, key: str) -> tuple[tuple[Attribute, ValuesReader], ...]:
        """A list of attribute names."""

        def compile_name(name: str) -> tuple[Attribute, ValuesReader]:
            attribute = self._dictionary[name]
            return attribute, read_values(attribute)

        return self._compiled(key, self.texts(key), compile_name)

    def templates(self, key: str) -> tuple[Template | GroupTemplate, ...]:
        """A table of attributes with their templates."""
        table = self.take(key, dict, {})
        pairs = [(name, text) for name, texts in table.items() for text in _listed(texts)]

        def compile_template(pair: tuple[str, Any]) -> Template | GroupTemplate:
            attribute, text = self._dictionary[pair[0]], pair[1]
            if not isinstance(text, dict):
                return Template(attribute, str(text))
            return GroupTemplate(attribute, [(self._dictionary[name], str(text[name])) for name in text])

        return self._compiled(key, pairs, compile_template)

    def condition(self, key: str) -> Condition | None:
        """A condition; None when absent."""
        when = self.take(key, dict, {})
        if not when:
            return None
        for name, values in when.items():
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise InputError(f"{self.place}: {key}: {name}", "must be a list of texts")
        return self._compiled(key, [when], lambda table: Condition(table, self._dictionary))[0]

    def finish(self) -> None:
        """Refuse what nobody asked for: a misspelt key must not be passed over."""
        if self._left:
            raise InputError(f"{self.place}: {next(iter(self._left))}", "unknown key")

    def _compiled(self, key: str, parts: Sequence[Any], compile_part: Callable[[Any], _T]) -> tuple[_T, ...]:
        try:
            return tuple(compile_part(part) for part in parts)
        except InputError as error:
            raise InputError(f"{self.place}: {key}: {error.place}", error.reason) from error


def _listed(value: Any) -> list[Any]:
    """One template, or a list of templates of an attribute that is sent several times."""
    return value if isinstance(value, list) else [value]
