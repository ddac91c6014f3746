insert into issue_actions (id, project_id, user_id, at, changes) select gen_random_uuid(), p.id, u.id, now(), '[]' from projects p, users u;
