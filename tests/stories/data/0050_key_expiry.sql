update project_keys set expires_at = now() + interval '7 days';
