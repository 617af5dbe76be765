"""Write the generated folders and the table of waits in the docs, or with `--check` compare them."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from pathlib import Path

import botocore
import tomllib

from . import emit_facades, emit_models, emit_tables, emit_verbs, emit_waits
from .ir import Corrections, read
from .text import Provenance

HERE = Path(__file__).parent
PACKAGE = HERE.parent
GENERATED = ("models", "_api", "_facades")


def main() -> int:
    """Run the generator; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ecskit._codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if anything would change")
    check: bool = parser.parse_args().check
    wanted = generate()
    present = {
        str(path.relative_to(PACKAGE)): path
        for folder in GENERATED
        for path in (PACKAGE / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    present |= {name: PACKAGE / name for name in wanted if (PACKAGE / name).is_file()}  # in docs, too
    stray = sorted(present.keys() - wanted.keys())
    changed = [name for name, text in wanted.items() if name not in present or present[name].read_text("utf-8") != text]
    if check:
        for name in stray:
            print(f"stray: {name} is not generated; move it out of the generated folders")
        for name in changed:
            print(f"stale: {name} is not what the generator writes; run python -m ecskit._codegen")
        return 1 if stray or changed else 0
    for name in stray:
        present[name].unlink()
    for name in changed:
        (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
        (PACKAGE / name).write_text(wanted[name], "utf-8")
    print(f"{len(wanted)} files, {len(changed)} written, {len(stray)} removed")
    return 0


def generate() -> dict[str, str]:
    """Return the text of every generated file, by its path below the package."""
    raw = _service_model()
    overrides = tomllib.loads((HERE / "overrides.toml").read_text("utf-8"))
    summaries = tomllib.loads((HERE / "summaries.toml").read_text("utf-8"))
    model = json.loads(raw)
    api = read(model, Corrections(overrides, summaries))
    origin = Provenance(botocore.__version__, hashlib.sha256(raw).hexdigest()[:16])
    return dict(
        sorted(
            [
                *emit_models.files(api, origin),
                *emit_tables.files(api, model, origin),
                *emit_facades.files(api, origin),
                *emit_verbs.files(PACKAGE, origin),
                *emit_waits.files(PACKAGE, origin),
            ]
        )
    )


def _service_model() -> bytes:
    found = Path(botocore.__file__).parent / "data" / "ecs" / "2014-11-13" / "service-2.json.gz"
    return gzip.decompress(found.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
