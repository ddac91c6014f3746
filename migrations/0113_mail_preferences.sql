-- Who wants no mails: of a project, or where the project is 0 of any.
create table mail_preferences (
    user_id    bigint  not null references users on delete cascade,
    project_id bigint  not null,
    alerts     boolean not null,
    primary key (user_id, project_id)
);
