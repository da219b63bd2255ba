"""The documents under `proto/` and the stubs made of them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "ocs/grpc/pb"
DOCUMENTS = sorted((ROOT / "proto").glob("*.proto"))

GENERATOR_VERSION = re.compile(
    r"# Protobuf Python Version: .*"
    r"|(?<=Domain\.PUBLIC,)\s+\d+,\s+\d+,\s+\d+,"
    r"|GRPC_GENERATED_VERSION = '[^']*'"
)
"A newer generator writes its version; that alone makes no stub stale."


def without_version(text: str) -> str:
    """The text of a stub without the version of its generator."""
    return GENERATOR_VERSION.sub("", text)


def test_committed_stubs_are_those_of_the_documents(tmp_path: Path) -> None:
    """Generating again gives the committed stubs, and no others."""
    subprocess.run([sys.executable, str(ROOT / "proto/generate.py"), str(tmp_path)], check=True)

    fresh = {path.name: without_version(path.read_text()) for path in (tmp_path / "ocs/grpc/pb").iterdir()}
    committed = {
        path.name: without_version(path.read_text())
        for path in STUBS.iterdir()
        if path.is_file() and path.name != "__init__.py"
    }

    assert fresh == committed


def buf(*arguments: str) -> str:
    """Run `buf`; what it complains about."""
    beside_python = Path(sys.executable).parent / "buf"
    found = str(beside_python) if beside_python.exists() else shutil.which("buf")
    assert found, "install the development dependencies: buf-bin is missing"
    done = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_documents_pass_buf_lint() -> None:
    """`buf lint` finds nothing but what `proto/buf.yaml` excepts with a reason."""
    assert buf("lint", "proto") == ""


def test_documents_break_nothing_that_was_released() -> None:
    """A client of the last release is still understood: `make proto-release` says what that was."""
    assert buf("breaking", "proto", "--against", "proto/released.binpb") == ""


def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    """The comparison sees a field that changed its number, its type or its name, and one that is gone."""
    for name in ("buf.yaml", *(document.name for document in DOCUMENTS)):
        (tmp_path / name).write_text((ROOT / "proto" / name).read_text())
    document = tmp_path / "charging.proto"
    text = document.read_text()
    line = "  string session_id = 1;"
    assert line in text
    for broken in ("  string session_id = 99;", "  int64 session_id = 1;", "  string call_id = 1;", ""):
        document.write_text(text.replace(line, broken, 1))
        told = buf("breaking", str(tmp_path), "--against", "proto/released.binpb")
        assert "charging.proto" in told, broken


def compiled(document: Path, folder: Path) -> descriptor_pb2.FileDescriptorProto:
    """The document with its comments, as protoc understands it."""
    from grpc_tools import protoc

    out = folder / "set.binpb"
    include = Path(protoc.__file__).parent / "_proto"
    arguments = [
        "",
        f"-I{document.parent}",
        f"-I{include}",
        "--include_source_info",
        f"-o{out}",
        document.name,
    ]
    assert protoc.main(arguments) == 0
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    return file


def element_paths(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every message, field, enum, value, service and method with its path in the source info."""
    for m, message in enumerate(file.message_type):
        yield message.name, (4, m)
        for f, field in enumerate(message.field):
            yield f"{message.name}.{field.name}", (4, m, 2, f)
    for e, enum in enumerate(file.enum_type):
        yield enum.name, (5, e)
        for v, value in enumerate(enum.value):
            yield f"{enum.name}.{value.name}", (5, e, 2, v)
    for s, service in enumerate(file.service):
        yield service.name, (6, s)
        for r, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (6, s, 2, r)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_element_has_a_comment_that_is_a_sentence(document: Path, tmp_path: Path) -> None:
    """What a client's author reads says something of every message, field, value and method."""
    file = compiled(document, tmp_path)
    comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}

    silent = [name for name, path in element_paths(file) if not comments[path].endswith(".")]

    assert silent == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_money_is_never_a_floating_point_number(document: Path, tmp_path: Path) -> None:
    """No document has a float or double anywhere."""
    floating = {
        descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT,
        descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    }

    found = [
        f"{message.name}.{field.name}"
        for message in compiled(document, tmp_path).message_type
        for field in message.field
        if field.type in floating
    ]

    assert found == []
