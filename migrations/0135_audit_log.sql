-- Who changed what, when, from where. Names are kept as they were: rows outlive what they are about.
create table audit_log (
    id              bigint generated always as identity primary key,
    -- Null: of the whole installation.
    organization_id bigint      references organizations on delete cascade,
    at              timestamptz not null,
    -- Sentry's word: member.invite, team.create …
    event           text        not null,
    actor_id        bigint      references users on delete set null,
    actor           text        not null,
    address         text        not null,
    target          text        not null,
    data            jsonb       not null default '{}'
);
create index audit_log_by_organization on audit_log (organization_id, id desc);
create index audit_log_by_actor on audit_log (actor_id);
create index audit_log_by_time on audit_log (at);
