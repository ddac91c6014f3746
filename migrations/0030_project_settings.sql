-- What a project decides about its events: filters, privacy, grouping … Always read as a whole; its shape is the type
-- `projects::settings::Settings`, and what is missing has the type's default.
alter table projects add column settings jsonb not null default '{}';

-- What an organisation demands of the privacy of all its projects: `projects::settings::Demands`.
alter table organizations add column privacy jsonb not null default '{}';
