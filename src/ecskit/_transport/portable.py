"""How both clients are shown, copied and pickled: by the arguments they were made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ecskit._transport.options import Options

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Portable"]

_OWN = ("_transport", "_options", "_polling", "_runtime")


class Portable:
    """A client that is made from options, or wraps a client of botocore."""

    _transport: Any
    _options: Options | None
    _polling: Options
    """The options about polls, which wrapped clients have, too."""
    _runtime: Any  # the sync or the async driver

    def _open(self, options: Options) -> Self:
        raise NotImplementedError

    def _wrap(self, client: Any, polling: Options, logs: Any = None) -> Self:
        raise NotImplementedError

    def __repr__(self) -> str:
        text: str = self._transport.describe(type(self).__name__)
        return text

    def __copy__(self) -> Self:
        """Return another client with the same arguments, or that wraps the same client. It is open."""
        made = type(self).__new__(type(self))
        if self._options is None:
            made = made._wrap(self._transport.client, self._polling, self._transport.logs)
        else:
            made = made._open(self._options)
        made._runtime = made._runtime.on(self._runtime.clock, self._runtime.random)
        vars(made).update(self._added())
        return made

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the same as a shallow copy: sessions and botocore's clients are shared."""
        return self.__copy__()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any] | None]:
        """Pickle the arguments, with credentials if they were passed. The client that is unpickled is open."""
        _check_picklable(type(self).__name__, self._options)
        return _unpickle, (type(self), self._options), self._added() or None

    def _added(self) -> dict[str, Any]:
        """Return the attributes that a subclass added."""
        return {name: value for name, value in vars(self).items() if name not in _OWN}


def _unpickle(cls: type[Portable], options: Options) -> Portable:
    return cls.__new__(cls)._open(options)


def _check_picklable(name: str, options: Options | None) -> None:
    if options is None:
        raise TypeError(
            f"{name}.wrap(...) cannot be pickled: the wrapped client has connections and event handlers;"
            " make a client in each process"
        )
    if options.session is not None:
        raise TypeError(
            f"{name}(session=...) cannot be pickled: a session has event handlers and sources of credentials;"
            " make the client from region_name=, profile_name= and the like, or make it in each process"
        )
    import pickle

    for name_of_option in ("config", "poll"):
        try:
            pickle.dumps(getattr(options, name_of_option))
        except Exception as error:
            raise TypeError(f"{name}({name_of_option}=...) cannot be pickled: {error}") from error
