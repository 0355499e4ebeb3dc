"""Sessions in MongoDB."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.addresses import networks
from chat_core.errors import Overloaded, RefreshReused, SessionRevoked, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.storage import SessionStore
from chat_core.sessions import RefreshChain, RefreshUse, Session
from chat_mongo.database import MongoDatabase
from chat_mongo.documents import RefreshTokenDocument, SessionDocument

ATTEMPTS = 100
"""Concurrent uses of one refresh token succeed one after another, one in each round."""


@dataclass(frozen=True, slots=True)
class MongoSessionStore(SessionStore):
    """Sessions in one collection, and the digests of tokens without a family in another."""

    database: MongoDatabase

    async def add(self, session: Session, chain: RefreshChain) -> None:
        """See `SessionStore.add`."""
        document = SessionDocument(
            id=session.id,
            user_id=session.user_id,
            device=session.device,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            ended_at=session.ended_at,
            address=session.address,
            network=session.network,
            user_agent=session.user_agent,
            current=chain.current,
            family=_hex(chain.family),
        )
        async with self.database.session() as at_database:
            await document.insert(session=at_database)

    async def get(self, session_id: SessionId) -> Session | None:
        """See `SessionStore.get`."""
        async with self.database.session() as at_database:
            found = await SessionDocument.find_one({"_id": session_id}, session=at_database)
        return None if found is None else _session(found)

    async def refresh(self, use: RefreshUse) -> Session:
        """See `SessionStore.refresh`."""
        async with self.database.session() as at_database:
            for _ in range(ATTEMPTS):
                refreshed = await self._use(use, await _of(use, at_database), at_database)
                if refreshed is not None:
                    return refreshed
        raise Overloaded("The refresh token is in use by too many requests at once")

    async def of_user(self, user_id: UserId) -> Collection[Session]:
        """See `SessionStore.of_user`."""
        async with self.database.session() as at_database:
            found = (
                await SessionDocument.find(
                    {"user_id": user_id, "ended_at": None}, session=at_database
                )
                .sort("-last_seen_at", "-_id")
                .to_list()
            )
        return [_session(each) for each in found]

    async def knows(self, user_id: UserId, address: str) -> bool:
        """See `SessionStore.knows`."""
        sessions = self.database.collection(SessionDocument)
        async with self.database.session() as at_database:
            found = await sessions.find_one(
                {"user_id": user_id, "network": networks(address)[0]},
                {"_id": 1},
                session=at_database,
            )
        return found is not None

    async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
        """See `SessionStore.end`."""
        async with self.database.session() as at_database:
            await SessionDocument.find(
                {"_id": {"$in": list(session_ids)}, "ended_at": None}, session=at_database
            ).update({"$set": {"ended_at": at}}, session=at_database)

    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        """See `SessionStore.ended_since`."""
        sessions = self.database.collection(SessionDocument)
        async with self.database.session() as at_database:
            found = sessions.find({"ended_at": {"$gte": at}}, {"user_id": 1}, session=at_database)
            return {
                SessionId(each["_id"]): UserId(each["user_id"]) for each in await found.to_list()
            }

    async def forget_devices(self, user_id: UserId) -> None:
        """See `SessionStore.forget_devices`."""
        async with self.database.session() as at_database:
            await SessionDocument.find({"user_id": user_id}, session=at_database).update(
                {"$set": {"device": "", "address": None, "network": None, "user_agent": None}},
                session=at_database,
            )

    async def purge(self, before: datetime, *, limit: int) -> int:
        """See `SessionStore.purge`."""
        sessions = self.database.collection(SessionDocument)
        ended = [{"ended_at": None}, {"ended_at": {"$lt": before}}]
        async with self.database.session() as at_database:
            found = sessions.find(
                {"last_seen_at": {"$lt": before}, "$or": ended}, {"_id": 1}, session=at_database
            )
            old = [row["_id"] for row in await found.limit(limit).to_list()]
            # In this order, because if only the first step happens, the next purge finds the
            # session again.
            await self.database.collection(RefreshTokenDocument).delete_many(
                {"session_id": {"$in": old}}, session=at_database
            )
            await sessions.delete_many({"_id": {"$in": old}}, session=at_database)
        return len(old)

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """See `SessionStore.relabel`."""
        async with self.database.session() as at_database:
            await SessionDocument.find_one({"_id": session_id}, session=at_database).update(
                {"$set": {"device": device}}, session=at_database
            )

    async def _use(
        self, use: RefreshUse, stored: SessionDocument, at_database: AsyncClientSession
    ) -> Session | None:
        """Return the session after the use, or None if another request changed it in between."""
        session = _session(stored)
        if session.ended_at is not None:
            raise SessionRevoked.of(session.id)
        as_judged = {
            "_id": stored.id,
            "current": stored.current,
            "replaced_at": stored.replaced_at,
            "ended_at": None,
        }
        sessions = self.database.collection(SessionDocument)
        try:
            after, chain = use.judge(
                session,
                RefreshChain(
                    stored.current,
                    stored.previous,
                    stored.replaced_at,
                    None if stored.family is None else bytes.fromhex(stored.family),
                ),
            )
        except RefreshReused as error:
            ended = await sessions.update_one(
                as_judged, {"$set": {"ended_at": use.at}}, session=at_database
            )
            if ended.matched_count == 0:
                return None
            error.session_id = session.id
            raise
        changed = {
            "current": chain.current,
            "previous": chain.previous,
            "replaced_at": chain.replaced_at,
            "family": _hex(chain.family),
            "last_seen_at": after.last_seen_at,
            "address": after.address,
            "network": after.network,
            "user_agent": after.user_agent,
        }
        updated = await sessions.update_one(as_judged, {"$set": changed}, session=at_database)
        return after if updated.matched_count else None


async def _of(use: RefreshUse, at_database: AsyncClientSession) -> SessionDocument:
    """Return the session of the token. Raises `TokenInvalid`."""
    found = await SessionDocument.find_one({"family": use.family.hex()}, session=at_database)
    if found is None:
        token = await RefreshTokenDocument.find_one(
            {"_id": use.presented.hex()}, session=at_database
        )
        if token is not None:
            found = await SessionDocument.find_one({"_id": token.session_id}, session=at_database)
    if found is None:
        raise TokenInvalid
    return found


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _session(document: SessionDocument) -> Session:
    return Session(
        SessionId(document.id),
        UserId(document.user_id),
        document.device,
        document.created_at,
        document.last_seen_at,
        document.ended_at,
        document.address,
        document.user_agent,
    )
