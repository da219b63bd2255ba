# ruff: noqa: INP001 - a script beside the documents that it compiles, not a package
"""Generate the Python stubs of every document in this folder: `python proto/generate.py [OUT]`.

OUT is the folder that receives `ocs/grpc/pb/*`, default: the repository. Needs grpcio-tools.

The documents are compiled under the path `ocs/grpc/pb/`, so that the generated modules import each other as
`ocs.grpc.pb.<name>_pb2`, and so that a process can hold another project's `admin.proto` beside ours. Their
imports of each other are rewritten for that; in this folder they are plain, as `buf` and the protoc of other
languages want them.
"""

import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
STUBS = Path("ocs/grpc/pb")

_SIBLING_IMPORT = re.compile(r'^import "(\w+\.proto)";$', re.MULTILINE)


def generate(out: Path) -> None:
    """Write the stubs of all documents below `out`.

    Raises:
        SystemExit: a document does not compile; protoc has said where on stderr.
    """
    documents = sorted((ROOT / "proto").glob("*.proto"))
    (out / STUBS).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / STUBS
        staged.mkdir(parents=True)
        for document in documents:
            text = _SIBLING_IMPORT.sub(rf'import "{STUBS}/\1";', document.read_text())
            (staged / document.name).write_text(text)
        arguments = [
            "protoc",
            f"-I{folder}",
            f"-I{Path(protoc.__file__).parent / '_proto'}",
            f"--python_out={out}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            *(str(staged / document.name) for document in documents),
        ]
        status = protoc.main(arguments)
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
