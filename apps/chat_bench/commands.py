"""The commands of `chat-bench`."""

import click

from chat_bench.compare_command import compare_targets
from chat_bench.flat_command import flat
from chat_bench.run_commands import run
from chat_bench.simulate_command import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chat-core", prog_name="chat-bench")
def chat_bench() -> None:
    """Measure chat servers through their wire protocol.

    \b
    Examples:
      chat-bench run messages --target http://localhost:5000
      chat-bench compare chat-sqlite chat-sqlite-http
      chat-bench flat send --messages 10,1000
    """  # noqa: D301  (Click reads \b as "do not wrap")


chat_bench.add_command(run)
chat_bench.add_command(compare_targets)
chat_bench.add_command(flat)
chat_bench.add_command(simulate)
