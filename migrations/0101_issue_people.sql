-- What people have to do with an issue. All of it goes with the issue.

-- Who sees to it: a person or a team.
create table issue_assignees (
    project_id  bigint      not null,
    issue_id    bigint      not null,
    user_id     bigint      references users on delete cascade,
    team_id     bigint      references teams on delete cascade,
    assigned_at timestamptz not null,
    primary key (project_id, issue_id),
    foreign key (project_id, issue_id) references issues on delete cascade,
    check (num_nonnulls(user_id, team_id) = 1)
);
create index issue_assignees_by_user on issue_assignees (user_id) where user_id is not null;
create index issue_assignees_by_team on issue_assignees (team_id) where team_id is not null;

create table issue_bookmarks (
    project_id bigint not null,
    issue_id   bigint not null,
    user_id    bigint not null references users on delete cascade,
    primary key (project_id, issue_id, user_id),
    foreign key (project_id, issue_id) references issues on delete cascade
);
create index issue_bookmarks_by_user on issue_bookmarks (user_id);

-- Who is told of what happens to it, or said that they do not want to be.
create table issue_subscriptions (
    project_id bigint  not null,
    issue_id   bigint  not null,
    user_id    bigint  not null references users on delete cascade,
    is_active  boolean not null,
    -- Sentry's word for why: comment, assigned, bookmark, status_change, mentioned, unknown.
    reason     text    not null,
    primary key (project_id, issue_id, user_id),
    foreign key (project_id, issue_id) references issues on delete cascade
);
create index issue_subscriptions_by_user on issue_subscriptions (user_id);

-- Who has looked at it, and when last.
create table issue_views (
    project_id bigint      not null,
    issue_id   bigint      not null,
    user_id    bigint      not null references users on delete cascade,
    seen_at    timestamptz not null,
    primary key (project_id, issue_id, user_id),
    foreign key (project_id, issue_id) references issues on delete cascade
);
create index issue_views_by_user on issue_views (user_id);

-- Issues that anybody may read who knows the id.
create table issue_shares (
    project_id bigint      not null,
    issue_id   bigint      not null,
    id         uuid        not null unique,
    user_id    bigint      references users on delete set null,
    shared_at  timestamptz not null,
    primary key (project_id, issue_id),
    foreign key (project_id, issue_id) references issues on delete cascade
);

-- How many comments an issue has is shown in every list.
create index issue_comments on issue_activity (project_id, issue_id) where kind = 'note';
