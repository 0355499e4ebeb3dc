/** The protocol of chat-core, without any screen. README.md beside this file tells how it works. */

export { type Credentials, logIn, type NewAccount, signUp } from "./accounts";
export { type Change, ChatClient } from "./chat-client";
export { LOGGED_OUT_ELSEWHERE, type Status } from "./connection";
export { ConversationState, placeOf, type TimelineItem } from "./conversation-state";
export { editKey } from "./drafts";
export { concernsSession, Disconnected, Refused } from "./errors";
export { LogInStore, type StoredLogin } from "./log-in-store";
export { newClientId, type Outgoing } from "./outbox";
export { forgetSessions } from "./session-data";
export type * from "./wire";
