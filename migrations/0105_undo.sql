-- What an action on several issues changed, so that it can be taken back once.
create table issue_actions (
    id         uuid        primary key,
    project_id bigint      not null references projects on delete cascade,
    user_id    bigint      not null references users on delete cascade,
    at         timestamptz not null,
    -- What it did and what was before: `issues::undo::Change`.
    changes    jsonb       not null,
    undone_at  timestamptz
);
create index issue_actions_by_time on issue_actions (at);
