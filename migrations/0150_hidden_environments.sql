-- Environments that a project's people hid: lists do not offer them, and their events are kept as ever.
create table hidden_environments (
    project_id bigint not null references projects on delete cascade,
    name       text   not null,
    primary key (project_id, name)
);
