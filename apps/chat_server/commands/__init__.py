"""The commands of `chat-server`, one module for each group of commands."""

import click

from chat_server.commands.copies_commands import backup, restore, vacuum
from chat_server.commands.demo_command import demo
from chat_server.commands.doctor_command import doctor
from chat_server.commands.import_command import import_original
from chat_server.commands.messages_command import messages
from chat_server.commands.migrate_command import migrate
from chat_server.commands.run_command import run
from chat_server.commands.sessions_command import sessions
from chat_server.commands.settings_command import show_settings
from chat_server.commands.users_command import users


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chat-core", prog_name="chat-server")
def chat_server() -> None:
    """A chat service over HTTP and Socket.IO.

    It reads its settings from the environment, or from a file .env in the working directory.

    \b
    Example:
      PORT=8080 chat-server run
    """  # noqa: D301  (Click reads \b as "do not wrap")


for _command in (
    run,
    show_settings,
    doctor,
    migrate,
    users,
    sessions,
    messages,
    backup,
    restore,
    vacuum,
    demo,
    import_original,
):
    chat_server.add_command(_command)
