"""Write the methods of operations and of paginated lists, for the sync and the async client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .ir import Api, Member, Operation
from .text import about_member, annotation, block, default, docstring, header, import_order, imports_of, reference

PAGING = ("next_token", "max_results")


@dataclass(frozen=True)
class Variant:
    """The text that differs between sync and async methods."""

    module: str
    label: str
    prefix: str
    def_: str
    await_: str


SYNC = Variant("sync", "sync", "", "def", "")
ASYNC = Variant("aio", "async", "Async", "async def", "await ")


def files(api: Api) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    for variant in (SYNC, ASYNC):
        yield f"_facades/{variant.module}_operations.py", _operations(api, variant)
        yield f"_facades/{variant.module}_pages.py", _pages(api, variant)


def _imports(requests: list[Operation], api: Api, *, items: bool) -> str:
    needed = imports_of([op.request for op in requests], api)
    for op in requests:
        needed.setdefault(op.family, set()).add(op.response.name)
        if items and op.items and op.items.type.is_structure:
            needed.setdefault(api.structures[op.items.type.item].family, set()).add(op.items.type.item)
    return "".join(
        block(f"from ecskit.models.{module} import (", sorted(names, key=import_order), ")", "    ")
        for module, names in sorted(needed.items())
    )


def _operations(api: Api, variant: Variant) -> str:
    out = [header(f"One {variant.label} method for each operation of the ECS API.")]
    out.append("\nfrom abc import ABC, abstractmethod\nfrom typing import TYPE_CHECKING, TypeVar\n\n")
    out.append("from ecskit._core.absent import ABSENT_LIST\nfrom ecskit._core.hints import no_positional_arguments\n")
    out.append("from ecskit._core.model import Request, Response\n\n")
    out.append("if TYPE_CHECKING:\n    from collections.abc import Sequence\n    from datetime import datetime\n\n")
    out.append("    from typing_extensions import Never\n\n")
    out.append("    from ecskit._core.typing import SequenceNotStr\n")
    out.append(_imports(api.operations, api, items=False))
    out.append(f'\n__all__ = ["{variant.prefix}Operations"]\n\nResponseT = TypeVar("ResponseT", bound=Response)\n')
    out.append(
        f"\n\nclass {variant.prefix}Operations(ABC):\n"
        '    """The operations. Each method builds a request and sends it."""\n'
        f"\n    @abstractmethod\n    {variant.def_} send(self, request: Request[ResponseT], /) -> ResponseT:\n"
        '        """Send a request and return its response; see the client."""\n'
    )
    for op in api.operations:
        parameters = [_parameter(m) for m in op.request.members]
        out.append(_signature(f"{variant.def_} {op.method}", parameters, op.response.name))
        out.append(docstring(_about(op, api), "        "))
        out.append(_refusal(op.method, parameters))
        out.append(f"        from ecskit.models.{op.family} import {op.request.name}\n\n")
        given = [f"{m.name}={m.name}" for m in op.request.members]
        out.append(_call(f"{variant.await_}self.send", [], op.request.name, given))
    text = "".join(out)
    if "datetime" not in text.split("__all__")[1]:
        text = text.replace("    from datetime import datetime\n", "")
    return text


def _pages(api: Api, variant: Variant) -> str:
    paged = [op for op in api.operations if op.pages]
    pages, items = f"{variant.prefix}Pages", f"{variant.prefix}Paginator"
    out = [header(f"One {variant.label} method for each paginated operation.")]
    out.append("\nfrom typing import TYPE_CHECKING\n\nfrom ecskit._core.absent import ABSENT_LIST\n")
    out.append("from ecskit._core.hints import no_positional_arguments\n")
    out.append(f"from ecskit._drive.namespace import Namespace\nfrom ecskit._drive.pages import {pages}, {items}\n\n")
    out.append(
        "if TYPE_CHECKING:\n    from collections.abc import Sequence\n\n    from typing_extensions import Never\n\n"
    )
    out.append(
        "    from ecskit._core.typing import SequenceNotStr\n"
        f"    from ecskit._drive.{variant.module} import {variant.prefix}Runtime\n"
    )
    out.append(_imports(paged, api, items=True))
    out.append(f'\n__all__ = ["{variant.prefix}Paginate"]\n')
    out.append(f"\n\nclass {variant.prefix}Paginate(Namespace):\n")
    out.append('    """Paginated lists. Requests are sent as you iterate."""\n\n    __slots__ = ()\n\n')
    out.append(f"    _runtime: {variant.prefix}Runtime\n\n")
    out.append(f"    def __init__(self, runtime: {variant.prefix}Runtime) -> None:\n")
    out.append('        """Send requests through `runtime`."""\n        self._runtime = runtime\n')
    for op in paged:
        members = [m for m in op.request.members if m.name not in PAGING]
        parameters = [*map(_parameter, members), "page_size: int | None = None", "starting_token: str | None = None"]
        kind = items if op.items else pages
        types = [op.response.name] + ([_item(op)] if op.items else [])
        out.append(_signature(f"def {op.method}", parameters, f"{kind}[{', '.join(types)}]"))
        out.append(docstring(_about_pages(op, api), "        "))
        out.append(_refusal(op.method, parameters))
        out.append(f"        from ecskit.models.{op.family} import {op.request.name}\n\n")
        given = [f"{m.name}={m.name}" for m in members] + ["max_results=page_size", "next_token=starting_token"]
        out.append(_call(kind, ["self._runtime"], op.request.name, given))
    text = "".join(out)
    return text if "Sequence[" in text else text.replace("    from collections.abc import Sequence\n\n", "")


def _item(op: Operation) -> str:
    assert op.items is not None
    type_ = op.items.type
    return f"{type_.item} | str" if type_.is_enum else type_.item


def _parameter(member: Member) -> str:
    type_ = annotation(member.type, required=member.required, str_proof=True)
    return f"{member.name}: {type_}{default(member)}"


def _signature(opening: str, parameters: list[str], returns: str) -> str:
    if not parameters:
        return f"\n    {opening}(self) -> {returns}:\n"
    inner = "".join(f"        {p},\n" for p in parameters)
    return f"\n    {opening}(\n        self,\n        *positional: Never,\n{inner}    ) -> {returns}:\n"


def _refusal(method: str, parameters: list[str]) -> str:
    """Return the lines that refuse positional arguments, which type checkers refuse because of `Never`."""
    if not parameters:
        return ""
    raised = f'raise no_positional_arguments(self, "{method}", positional)'
    return f"        if positional:\n            {raised}\n"


def _call(call: str, before: list[str], request: str, given: list[str]) -> str:
    """Return `return call(before..., request(given...))`, in lines as the formatter breaks them."""
    if not given and not before:
        return f"        return {call}({request}())\n"
    inner = "".join(f"                {g},\n" for g in given)
    built = f"{request}()" if not given else f"{request}(\n{inner}            )"
    if not before:
        return f"        return {call}(\n            {built}\n        )\n"
    return block(f"return {call}(", [*before, built], ")", "        ")


def _arguments(members: list[Member], api: Api) -> list[str]:
    lines = []
    for m in members:
        type_ = annotation(m.type, required=True)
        about = about_member(m, api, with_name=True)
        lines.append(f"    {m.name}: {type_}{', required' if m.required else ''}.{f' {about}' if about else ''}")
    return ["", "Args:", *lines] if lines else []


def _about(op: Operation, api: Api) -> list[str]:
    results = [f"`{m.name}`" for m in op.response.members]
    returns = f"    {op.response.name}: {', '.join(results) or 'only its metadata'}."
    summaries = {error.code: error.summary for error in api.errors}
    errors = [f"    {code}: {summaries[code]}" for code in op.errors]
    lines = [op.summary or f"Call {op.name}.", *_arguments(list(op.request.members), api)]
    lines += ["", "Returns:", returns]
    lines += ["", "Raises:", "    RequestError: An argument is missing or has a wrong type; nothing was sent.", *errors]
    lines += [
        "    ServiceError: ECS returned another error, such as ThrottledError.",
        "    TransportError: No response arrived, or an invalid one.",
        "    ConfigurationError: The client is closed, or its service model lacks the operation.",
    ]
    return [*lines, "", f"Source: {reference(op)}"]


def _about_pages(op: Operation, api: Api) -> list[str]:
    members = [m for m in op.request.members if m.name not in PAGING]
    lines = [
        f"Return the pages of `{op.method}`, without sending a request yet.",
        *(_arguments(members, api) or ["", "Args:"]),
    ]
    lines.append("    page_size: int. The largest number of results in one page.")
    lines.append("    starting_token: str. The `next_token` of an earlier page, to continue after that page.")
    if op.items:
        returns = f"    A paginator. Iterate over it for each of `{op.items.name}`, or over its `pages()`."
    else:
        returns = "    Pages. Iterate over their `pages()`: this operation has no single list of items."
    lines += ["", "Returns:", returns]
    lines += ["", "Raises:", "    PaginationError: ECS sent the same page token twice."]
    if op.failures:
        lines.append("    FailuresError: A page holds `failures`. Raised after its items.")
    return [*lines, f"    EcsError: Any error of `{op.method}`.", "", f"Source: {reference(op)}"]
