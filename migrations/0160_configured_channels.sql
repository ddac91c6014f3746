-- Channels that come from the installation's configuration, known by their name.
alter table channels add column is_configured boolean not null default false;
create unique index channels_configured on channels (organization_id, name) where is_configured;
