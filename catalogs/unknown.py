"""What a catalogue answers when it is asked for something it does not have."""


class UnknownRateError(LookupError):
    """No such rate in the catalogue; the text says what there is instead."""

    def __str__(self) -> str:
        """Read without the quotes a LookupError puts around its text."""
        return str(self.args[0])


class UnknownInstanceTypeError(UnknownRateError):
    """No such instance type in the catalogue; the text names the nearest."""
