insert into issue_activity (project_id, issue_id, at, kind) select project_id, id, now(), 'set_resolved' from issues;
