"""The generator: it makes the generated folders from botocore's ECS service model, our corrections and our summaries.

`python -m ecskit._codegen` writes `models/` (the shapes), `_api/` (service errors, the shipped service model and its
provenance) and `_facades/` (the sync and async methods). With `--check` it writes nothing and fails if a file is out of
date. It needs Python 3.11 or newer (`tomllib`) and botocore. No other part of ecskit imports it.
"""
