-- Where alerts go: robots of chats, webhooks, addresses. What each kind is told is in `channels`' files.
create table channels (
    id              bigint generated always as identity primary key,
    organization_id bigint      not null references organizations on delete cascade,
    -- Null where it is for all of the organisation's projects.
    project_id      bigint      references projects on delete cascade,
    kind            text        not null,
    name            text        not null check (name <> ''),
    config          jsonb       not null,
    -- Encrypted with the secret key.
    secrets         bytea       not null,
    -- Who set it up, and is told when it fails.
    owner           bigint      references users on delete set null,
    created_at      timestamptz not null,
    -- A channel that fails for good takes no messages until somebody sees to it. Why, as a code and in the other side's words.
    paused_at       timestamptz,
    paused_code     text        not null default '',
    paused_said     text        not null default ''
);
create index channels_by_organization on channels (organization_id);
create index channels_by_project on channels (project_id) where project_id is not null;
create index channels_by_owner on channels (owner) where owner is not null;
