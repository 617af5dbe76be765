"""Write the generated folders and the table of waits in the docs, or with `--check` compare them."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from pathlib import Path

import botocore

from . import emit_facades, emit_models, emit_tables, emit_verbs, emit_waits
from .emit_tables import Provenance
from .ir import Corrections, Json, read

HERE = Path(__file__).parent
PACKAGE = HERE.parent
GENERATED = ("models", "_api", "_facades")
ENDPOINTS = "_api/endpoints.json"
SERVICES = {"ecs", "oidc", "portal.sso", "signin", "sts", "iam", "s3"}
"""ECS, the services that providers of credentials use, and services that have endpoints without a region. Clients of
other services need no entry, because their models have rules for endpoints."""


def main() -> int:
    """Run the generator; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ecskit._codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if anything would change")
    check: bool = parser.parse_args().check
    wanted = generate(*installed()) | {ENDPOINTS: endpoints()}
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
            print(f"stale: {name} differs from what the generator writes; run python -m ecskit._codegen")
        return 1 if stray or changed else 0
    for name in stray:
        present[name].unlink()
    for name in changed:
        (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
        (PACKAGE / name).write_text(wanted[name], "utf-8")
    print(f"{len(wanted)} files, {len(changed)} written, {len(stray)} removed")
    return 0


def generate(model: Json, provenance: Provenance) -> dict[str, str]:
    """Return the text of every generated file, by its path below the package.

    Args:
        model: The service model, as in botocore's JSON.
        provenance: Where it comes from.
    """
    import tomllib  # Python 3.11; the rest of this package can be read by older versions, as tests do

    overrides = tomllib.loads((HERE / "overrides.toml").read_text("utf-8"))
    summaries = tomllib.loads((HERE / "summaries.toml").read_text("utf-8"))
    api = read(model, Corrections(overrides, summaries))
    return dict(
        sorted(
            [
                *emit_models.files(api),
                *emit_tables.files(api, model, provenance),
                *emit_facades.files(api),
                *emit_verbs.files(PACKAGE),
                *emit_waits.files(PACKAGE),
            ]
        )
    )


def installed() -> tuple[Json, Provenance]:
    """Return the service model of the installed botocore."""
    found = Path(botocore.__file__).parent / "data" / "ecs" / "2014-11-13" / "service-2.json.gz"
    raw = gzip.decompress(found.read_bytes())
    return json.loads(raw), Provenance(botocore.__version__, hashlib.sha256(raw).hexdigest()[:16])


def endpoints() -> str:
    """Return the endpoints of the services that ecskit uses. The list of the installed botocore has those of all."""
    every: Json = json.loads((Path(botocore.__file__).parent / "data" / "endpoints.json").read_bytes())
    for partition in every["partitions"]:
        partition["services"] = {name: found for name, found in partition["services"].items() if name in SERVICES}
    return json.dumps(every, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
