insert into issue_redirects (project_id, from_id, into_id) select project_id, 0, min(id) from issues group by project_id;
