"""Every query that the stores have, asked once."""

import pytest

from chat_core import ConversationId, ProfileChange, Role, Session, User
from chat_core.conversations import (
    LISTED_MEMBERS,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    RoleChanged,
    TitleChanged,
)
from chat_core.errors import RefreshReused
from chat_core.testing.makers import (
    alter,
    at,
    creation,
    direct,
    draft,
    group,
    revise,
    say,
    session,
    stored_users,
)
from chat_core.testing.sessions_refresh_contract import chain, use
from tests.support.stores import Stores


async def ask_everything(stores: Stores) -> None:
    """Call every method of every store, repeats and conflicts included."""
    ann, bob, eve = await stored_users(stores.users, "ann", "bob", "eve")
    await use_users(stores, ann, bob)
    await use_sessions(stores, session(ann))
    said = await stores.log.append(draft(direct(ann, bob), ann, client_id="c1"))
    await stores.log.append(draft(direct(ann, bob), ann, client_id="c1"))
    await use_conversations(stores, said.message.conversation_id, ann, bob)
    await use_a_group(stores, [ann, bob, eve])
    await use_a_large_group(stores)
    await stores.blocks.block(ann.id, bob.id, at(1))
    await stores.blocks.between(bob.id, ann.id)
    await stores.blocks.blocked_by(ann.id, after=bob.id, limit=5)
    await stores.blocks.unblock(ann.id, bob.id)
    await stores.retention.old(at(9), after=None, limit=5)
    await stores.retention.expire({said.message.conversation_id: 99}, at(9))
    await stores.users.erase(eve.id, at(9))


async def use_users(stores: Stores, ann: User, bob: User) -> None:
    await stores.users.get([ann.id])
    await stores.users.credentials("bob")
    await stores.users.search("a", without=bob.id, after=None, limit=5)
    await stores.users.search("", without=bob.id, after=None, limit=5)
    await stores.users.saw({ann.id: at(1)})
    await stores.users.update(ann.id, ProfileChange("Ann", "ann@example.org"))
    await stores.users.set_password_hash(ann.id, "another")
    await stores.users.set_password_hash(ann.id, "a third", instead_of="another")
    await stores.accounts.accounts(after=None, limit=5)
    await stores.accounts.disable(bob.id, at(1))
    await stores.accounts.enable(bob.id)


async def use_sessions(stores: Stores, login: Session) -> None:
    await stores.sessions.add(login, chain("digest"))
    await stores.sessions.get(login.id)
    await stores.sessions.relabel(login.id, "tablet")
    await stores.sessions.refresh(use("digest", "new", 1, "digest"))
    await stores.sessions.of_user(login.user_id)
    await stores.sessions.knows(login.user_id, "192.0.2.1")
    await stores.sessions.ended_since(at(0))
    await stores.sessions.forget_devices(login.user_id)
    with pytest.raises(RefreshReused):
        await stores.sessions.refresh(use("digest", "newer", 60, "digest"))
    await stores.sessions.end([login.id], at(61))
    await stores.sessions.purge(at(99), limit=5)


async def use_conversations(stores: Stores, of: ConversationId, ann: User, bob: User) -> None:
    await stores.log.open_direct(direct(ann, bob))
    await stores.conversations.get(of)
    await stores.conversations.direct(ann.id, bob.id)
    await stores.conversations.overview(ann.id, of)
    await stores.conversations.latest(ann.id, after=None, limit=5)
    await stores.conversations.overviews(ann.id, [of])
    await stores.conversations.peers([ann.id])
    await stores.conversations.left_behind(ann.id)
    await stores.reader.history(of, before=5, after=None, limit=5)
    await stores.reader.history(of, before=None, after=0, limit=5)
    await stores.receipts.move(of, bob.id, delivered=1, read=1)


async def use_a_large_group(stores: Stores) -> None:
    """One with more members than a list shows."""
    names = [f"member{number}" for number in range(LISTED_MEMBERS + 1)]
    owner, *others = await stored_users(stores.users, *names)
    large = group(owner, *others)
    await stores.log.append(creation(large, owner))
    await stores.conversations.overviews(owner.id, [large.id])


async def use_a_group(stores: Stores, people: list[User]) -> None:
    ann, bob, eve = people
    wanted = group(ann, bob)
    await stores.log.append(creation(wanted, ann, client_id="g1"))
    await stores.log.append(creation(group(ann, bob), ann, client_id="g1"))
    sending = draft(wanted, bob, "one", client_id="b1")
    one = (await stores.log.append(sending)).message
    await stores.log.repeated(sending)
    edited = await revise(stores.log, wanted, one, "One")
    (two,) = await say(stores.log, wanted, bob, "two")
    await revise(stores.log, wanted, two, None)
    await stores.log.append(draft(wanted, bob, "three", client_id="b3"))
    await alter(
        stores.log,
        wanted,
        TitleChanged("New"),
        MemberAdded(eve.id, Role.MEMBER),
        RoleChanged(eve.id, Role.ADMIN),
        MemberRemoved(eve.id),
        MemberDeleted(bob.id),
    )
    await stores.reader.message(edited.message.id)
    await stores.reader.entries(wanted.id, after=0, until=99, limit=99)
    await stores.reader.entries(wanted.id, after=0, until=3, limit=99)
    for each in (ann, eve):
        await stores.reader.standing(each.id, wanted.id)
