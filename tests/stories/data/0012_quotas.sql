insert into quotas (project_id, categories, most, window_seconds) select id, '{error}', 1000, 60 from projects;
