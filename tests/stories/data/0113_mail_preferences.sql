insert into mail_preferences (user_id, project_id, alerts) select u.id, p.id, false from users u, projects p;
