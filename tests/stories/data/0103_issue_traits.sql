insert into issue_traits (project_id, issue_id, key, trait, value) select project_id, id, 'error.type', 1, 'Gone' from issues;
