"""The generator: botocore's ECS service model, our corrections and our summaries in; the generated folders out.

`python -m ecskit._codegen` writes `models/` and `_generated/`; with `--check` it writes nothing and fails if they are
not what it would write. It needs Python 3.11 or newer (`tomllib`), botocore and nothing else. Nothing imports it.
"""
