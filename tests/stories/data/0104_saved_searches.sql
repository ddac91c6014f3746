insert into saved_searches (organization_id, project_id, name, query, created_at) select organization_id, id, 'Mine', 'assigned:me', now() from projects;
insert into default_searches (organization_id, project_id, search_id) select organization_id, project_id, id from saved_searches;
