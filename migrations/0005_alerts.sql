create table alert_rules (
    id         bigint generated always as identity primary key,
    project_id bigint      not null references projects on delete cascade,
    name       text        not null,
    -- When the rule fires. More triggers come with the rules' editor.
    trigger    text        not null check (trigger in ('first_seen')),
    created_at timestamptz not null default now()
);
create index alert_rules_by_project on alert_rules (project_id);

-- One row per rule, event and recipient, so that no retry of ours tells anybody twice.
create table notifications (
    project_id bigint      not null,
    rule_id    bigint      not null,
    event_id   uuid        not null,
    user_id    bigint      not null,
    issue_id   bigint      not null,
    sent_at    timestamptz,
    created_at timestamptz not null,
    primary key (project_id, rule_id, event_id, user_id)
);
