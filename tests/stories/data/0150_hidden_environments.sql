insert into hidden_environments (project_id, name) select id, 'staging' from projects;
