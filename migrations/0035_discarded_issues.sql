-- Issues nobody wants: their fingerprints stay, with the issue's number, and events that have one are dropped and counted.
create table discarded_issues (
    project_id   bigint      not null,
    id           bigint      not null,
    title        text        not null,
    culprit      text        not null,
    level        smallint    not null,
    kind         text        not null,
    discarded_at timestamptz not null,
    user_id      bigint,
    primary key (project_id, id)
);
