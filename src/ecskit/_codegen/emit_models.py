"""Write `ecskit.models`: one module for each family, the enums as Literals, and the package that loads them lazily."""

from __future__ import annotations

from collections.abc import Iterator

from .ir import Api, Member, Operation, Structure
from .text import about_member, annotation, block, default, docstring, header, import_order, imports_of, reference

BASES = ("FallibleResponse", "Model", "Request", "Response", "TaggedUnion")
"""The base classes, which are public beside the shapes."""
DECORATOR = "@attrs.frozen(kw_only=True, eq=False, repr=False)\n"


def files(api: Api) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    yield "models/literals.py", _literals(api)
    for family in api.families:
        yield f"models/{family}.py", _family(family, api)
    yield "models/__init__.py", _package(api)


def _literals(api: Api) -> str:
    out = [header("The known values of the enums of ECS. Responses may hold new ones.")]
    out.append("\nfrom typing import Literal\n\n")
    out.append(block("__all__ = [", [f'"{name}"' for name in api.enums], "]"))
    for name, values in api.enums.items():
        # A single value stays on its line: with a trailing comma it would be a tuple.
        listed = [f'"{v}"' for v in values]
        out.append(
            "\n" + (block(f"{name} = Literal[", listed, "]") if listed[1:] else f"{name} = Literal[{listed[0]}]\n")
        )
    return "".join(out)


def _family(family: str, api: Api) -> str:
    operations = {op.request.name: op for op in api.operations}
    mine = [s for s in api.structures.values() if s.family == family]
    # A request names its response in its base class, so responses come first.
    mine.sort(key=lambda s: (s.name in operations, s.name))
    needed = imports_of(mine, api)
    needed.pop(family, None)
    words = family.replace("_", " ")
    about = f"Shapes of the operations on {words}." if family != "common" else "Shapes that several families share."
    members = [m for s in mine for m in s.members]
    containers = {m.type.container for m in members}
    wire_names = any(_wire_names(s) for s in mine)
    sensitive = any(m.sensitive for m in members)
    abc = [
        n for n, c in (("Mapping", "map"), ("Sequence", "list")) if c in containers or (n == "Mapping" and wire_names)
    ]
    defaults = {default(m).removeprefix(" = ") for m in members} & {"ABSENT_LIST", "ABSENT_MAP"}
    bases = {_base(s, operations, api).split("[")[0] for s in mine}
    bases |= {"JSON"} if any(m.type.item == "JSON" for m in members) else set()
    out = [header(about), "\n"]
    if abc:
        out.append(f"from collections.abc import {', '.join(abc)}\n")
    if any(m.type.item == "datetime" for m in members):
        out.append("from datetime import datetime\n")
    if wire_names or sensitive:
        out.append("from typing import ClassVar\n")
    out.append("\nimport attrs\n\n")
    if defaults:
        out.append(f"from ecskit._core.absent import {', '.join(sorted(defaults))}\n")
    out.append(f"from ecskit._core.model import {', '.join(sorted(bases, key=import_order))}\n")
    if any(m.is_list_of_str for m in members):
        out.append("from ecskit._core.typing import strings\n")
    out += [
        block(f"from ecskit.models.{module} import (", sorted(names, key=import_order), ")")
        for module, names in sorted(needed.items())
    ]
    out.append("\n" + block("__all__ = [", [f'"{s.name}"' for s in sorted(mine, key=lambda s: s.name)], "]"))
    out += ["\n\n" + _class(structure, operations, api) for structure in mine]
    return "".join(out)


def _base(structure: Structure, operations: dict[str, Operation], api: Api) -> str:
    if structure.name in operations:
        return f"Request[{operations[structure.name].response.name}]"
    for op in api.operations:
        if op.response.name == structure.name:
            return "FallibleResponse" if op.failures else "Response"
    return "TaggedUnion" if structure.union else "Model"


def _wire_names(structure: Structure) -> dict[str, str]:
    """Return the wire names that do not follow from the Python names by the rule snake_case -> camelCase."""

    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    return {m.name: m.wire for m in structure.members if camel(m.name) != m.wire}


def _class(structure: Structure, operations: dict[str, Operation], api: Api) -> str:
    base = _base(structure, operations, api)
    operation = operations.get(structure.name)
    about = structure.summary
    if operation:
        about = about or f"The request of `{operation.method}`."
    elif base.endswith("Response"):
        about = about or f"The response of `{_operation_of(structure, api).method}`."
    page = _operation_of(structure, api) if base.endswith("Response") else operation or structure
    out = [DECORATOR, f"class {structure.name}({base}):\n"]
    out.append(docstring([about or f"The ECS structure `{structure.name}`.", "", f"Source: {reference(page)}"], "    "))
    names = _wire_names(structure)
    secret = [m.name for m in structure.members if m.sensitive]
    variables = []
    if operation:
        variables.append(_about_operation(operation))
    if names:
        items = [f'"{name}": "{wire}"' for name, wire in names.items()]
        variables.append(block("_wire_names: ClassVar[Mapping[str, str]] = {", items, "}", "    "))
    if secret:
        listed = ", ".join(f'"{name}"' for name in sorted(secret))
        variables.append(f"    _sensitive: ClassVar[frozenset[str]] = frozenset({{{listed}}})\n")
    if variables:
        out.append("\n" + "".join(variables))
    if structure.members:
        out.append("\n")
    for member in structure.members:
        open_enum = structure.direction == "response"
        type_ = annotation(member.type, required=member.required, open_enum=open_enum)
        out.append(f"    {member.name}: {type_}{_field(member)}\n" + _member_docstring(member, api))
    return "".join(out)


def _field(member: Member) -> str:
    """Return what follows the annotation: the default, and the converter that gives lists of strings their type."""
    if not member.is_list_of_str:
        return default(member)
    arguments = [default(member).replace(" = ", "default="), "converter=strings"]
    return f" = attrs.field({', '.join(filter(None, arguments))})"


def _about_operation(operation: Operation) -> str:
    """Return the class variables of a request that describe its operation."""
    out = f'    _operation = "{operation.name}"\n    _response = {operation.response.name}\n'
    out += f"    _token_length = {operation.token_length}\n" if operation.token_length else ""
    nonempty = "".join(f'"{name}", ' for name in operation.nonempty).strip()
    out += f"    _nonempty = ({nonempty})\n" if nonempty else ""
    return out + (f'    _items = "{operation.items.name}"\n' if operation.items else "")


def _operation_of(structure: Structure, api: Api) -> Operation:
    return next(op for op in api.operations if op.response.name == structure.name)


def _member_docstring(member: Member, api: Api) -> str:
    return docstring([about_member(member, api)], "    ")


def _package(api: Api) -> str:
    where = {name: s.family for name, s in api.structures.items()} | dict.fromkeys(api.enums, "literals")
    modules = sorted({*where.values()})
    out = [header("The shapes of the ECS API. Each family is imported on first use.")]
    out.append("\nfrom typing import TYPE_CHECKING\n\nfrom ecskit._lazy import publish\n\nif TYPE_CHECKING:\n")
    out.append(block("from ecskit._core.model import (", [f"{name} as {name}" for name in BASES], ")", "    "))
    for module in modules:
        names = sorted((n for n, m in where.items() if m == module), key=import_order)
        out.append(block(f"from ecskit.models.{module} import (", [f"{n} as {n}" for n in names], ")", "    "))
    homes = {name: f"ecskit.models.{module}" for name, module in where.items()}
    homes |= dict.fromkeys(BASES, "ecskit._core.model")
    out.append("\n" + block("__all__ = [", [f'"{name}"' for name in sorted(homes)], "]"))
    rows = [f'"{name}": "{homes[name]}"' for name in sorted(homes)]
    out.append(f"\npublish(\n    globals(),\n{block('{', rows, '},', '    ')})\n")
    return "".join(out)
