update issues set users_seen = 1;
insert into issue_users (project_id, issue_id, users) select project_id, id, '\x000000000000000001' from issues;
