"""What can go wrong between a model and its outcome, by what the caller can do about it.

Each error says by ``__reduce__`` how to make it anew, as it may come from a child process.
"""


class SolverError(Exception):
    """A solver could not do what was asked; the base of all errors raised here."""


class UnknownSolverError(SolverError):
    """No solver has that name; lists those that exist."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"solver = {name!r}: choose one of {', '.join(known)}")
        self.name, self.known = name, known

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        return type(self), (self.name, self.known)


class SolverUnavailableError(SolverError):
    """The solver's package is not installed here; names the package to install."""

    def __init__(self, solver: str, package: str) -> None:
        super().__init__(f"solver = {solver!r}: not installed; run `pip install '{package}'`")
        self.solver, self.package = solver, package

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.solver, self.package)


class UnsupportedOptionError(SolverError):
    """The solver cannot take an option; says which, its value and what to do instead."""

    def __init__(self, solver: str, option: str, value: object, fix: str) -> None:
        super().__init__(f"{solver}: {option} = {value!r}: {fix}")
        self.solver, self.option, self.value, self.fix = solver, option, value, fix

    def __reduce__(self) -> tuple[type, tuple[str, str, object, str]]:
        return type(self), (self.solver, self.option, self.value, self.fix)


class UnsupportedModelError(SolverError):
    """The solver cannot take a model of this kind; says why and what to do instead."""

    def __init__(self, solver: str, reason: str, fix: str) -> None:
        super().__init__(f"{solver}: {reason}: {fix}")
        self.solver, self.reason, self.fix = solver, reason, fix

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.solver, self.reason, self.fix)


class SolverFailedError(SolverError):
    """The solver broke down or gave a wrong answer; carries its own words."""

    def __init__(self, solver: str, native_text: str) -> None:
        super().__init__(f"{solver} failed: {native_text}")
        self.solver, self.native_text = solver, native_text

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.solver, self.native_text)
