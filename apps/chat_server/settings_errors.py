"""Problems with the settings, as sentences for the operator."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SENTENCES = {
    "value_error": "{error}",  # raised by a validator of this project, with its own sentence
    "greater_than_equal": "must be {ge} or more, but is {given}",
    "less_than_equal": "must be {le} or less, but is {given}",
    "literal_error": "must be {expected}, but is {given}",
    "bool_parsing": "must be on or off, but is {given}",
    "int_parsing": "must be a whole number, but is {given}",
    "int_parsing_size": "has too many digits",
}
"""Sentences by Pydantic's type of error."""


class SettingsError(Exception):
    """The service can't start; `problems` has one line for each wrong setting."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    @classmethod
    def of(cls, error: ValidationError, variables: Mapping[str, str]) -> "SettingsError":
        """Translate Pydantic's error without repeating secrets.

        `variables` gives the variable of each field.
        """
        # Pydantic places an error at the variable that was read, or at the field whose default
        # is wrong.
        places = ((str(problem["loc"][0]), problem) for problem in error.errors())
        return cls(
            f"{variables.get(place, place)}: {_sentence(problem)}" for place, problem in places
        )


class DatabaseMissingError(Exception):
    """The database did not answer in time; the message is for the operator."""


def _sentence(problem: ErrorDetails) -> str:
    sentence = _SENTENCES.get(problem["type"])
    if sentence is None:
        return problem["msg"]
    return sentence.format(given=repr(problem["input"]), **problem.get("ctx", {}))
