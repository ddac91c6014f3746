-- Searches that have a name. Without an owner it is everybody's of the organisation; of one project, or of all.
create table saved_searches (
    id              bigint generated always as identity primary key,
    organization_id bigint      not null references organizations on delete cascade,
    project_id      bigint      references projects on delete cascade,
    user_id         bigint      references users on delete cascade,
    name            text        not null check (name <> '' and length(name) <= 128),
    query           text        not null,
    sort            text        not null default 'date',
    created_at      timestamptz not null
);
create unique index saved_searches_name on saved_searches
    (organization_id, coalesce(project_id, 0), coalesce(user_id, 0), lower(name));

-- What somebody, or everybody, finds first.
create table default_searches (
    organization_id bigint not null references organizations on delete cascade,
    project_id      bigint references projects on delete cascade,
    user_id         bigint references users on delete cascade,
    search_id       bigint not null references saved_searches on delete cascade
);
create unique index default_searches_one on default_searches
    (organization_id, coalesce(project_id, 0), coalesce(user_id, 0));
