//! Who may do what. Two tables, and nothing else decides.
//!
//! A route that has no line here is never served, and fails a test. [`Who::May`] asks for a scope in the organisation that the
//! path names, or that its project, team or issue belongs to; somebody who is not of that organisation is told that it does not
//! exist. Of the organisation's projects, people see those of their teams, or all of them where membership is open or their
//! role is global; others are refused. Superusers may do everything.

use std::{collections::HashMap, sync::LazyLock};

use Who::{Account, Anyone, May, SignedIn, Superuser};

use super::{
    Role::{self, Admin, Manager, Member, Owner},
    Scope::{
        self, AlertsRead, AlertsWrite, EventAdmin, EventRead, EventWrite, MemberAdmin, MemberRead, MemberWrite,
        OrgAdmin, OrgIntegrations, OrgRead, OrgWrite, ProjectAdmin, ProjectRead, ProjectReleases, ProjectWrite,
        TeamAdmin, TeamRead, TeamWrite,
    },
};

/// Each scope, and the least of the roles that has it.
pub const ROLES: &[(Scope, Role)] = &[
    (OrgRead, Member),
    (MemberRead, Member),
    (TeamRead, Member),
    (ProjectRead, Member),
    (ProjectReleases, Member),
    (EventRead, Member),
    (EventWrite, Member),
    (EventAdmin, Member),
    (AlertsRead, Member),
    (AlertsWrite, Admin),
    (ProjectWrite, Admin),
    (ProjectAdmin, Admin),
    (TeamWrite, Admin),
    (TeamAdmin, Admin),
    (OrgIntegrations, Admin),
    (MemberWrite, Manager),
    (MemberAdmin, Manager),
    (OrgWrite, Manager),
    (OrgAdmin, Owner),
];

/// Whom a route serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Strangers too.
    Anyone,
    /// Whoever is signed in, or has a token.
    SignedIn,
    /// Whoever is signed in, about themselves. No token: one must not make another, nor change a password.
    Account,
    /// Who has this scope where the path leads.
    May(Scope),
    /// Superusers.
    Superuser,
}

/// Method, path, whom it serves. A slash at the end may be left out.
#[rustfmt::skip]
pub const ROUTES: &[(&str, &str, Who)] = &[
    // Signing in.
    ("GET",    "/auth/login/", Anyone),
    ("POST",   "/auth/login/", Anyone),
    ("POST",   "/auth/logout/", Anyone),

    // Whoever forgot a password, or was invited.
    ("GET",    "/auth/recover/", Anyone),
    ("POST",   "/auth/recover/", Anyone),
    ("GET",    "/auth/recover/new/", Anyone),
    ("POST",   "/auth/recover/new/", Anyone),
    ("GET",    "/auth/recover/{secret}/", Anyone),
    ("GET",    "/auth/invitation/", Anyone),
    ("POST",   "/auth/invitation/", Anyone),
    ("POST",   "/auth/invitation/account/", Anyone),
    ("GET",    "/auth/invitation/{secret}/", Anyone),

    // Everybody's own. What is about the account itself takes a session: no token changes a password, nor makes a token.
    ("GET",    "/", SignedIn),
    ("GET",    "/settings/account/", Account),
    ("POST",   "/settings/account/", Account),
    ("GET",    "/settings/account/notifications/", Account),
    ("POST",   "/settings/account/notifications/", Account),
    ("GET",    "/settings/account/security/", Account),
    ("POST",   "/settings/account/security/password/", Account),
    ("POST",   "/settings/account/security/sessions/others/", Account),
    ("POST",   "/settings/account/security/sessions/{session}/", Account),
    ("GET",    "/settings/account/tokens/", Account),
    ("POST",   "/settings/account/tokens/", Account),
    ("POST",   "/settings/account/tokens/{token}/removal/", Account),
    ("GET",    "/api/0/api-tokens/", Account),
    ("POST",   "/api/0/api-tokens/", Account),
    ("DELETE", "/api/0/api-tokens/", Account),
    ("GET",    "/api/0/", Anyone),
    ("GET",    "/api/0/grouping-configs/", SignedIn),

    // The installation.
    ("GET",    "/manage/", Superuser),
    ("POST",   "/manage/messages/", Superuser),
    ("POST",   "/manage/events/", Superuser),
    ("GET",    "/manage/servers/", Superuser),
    ("POST",   "/manage/servers/mail/", Superuser),
    ("GET",    "/manage/ldap/", Superuser),
    ("POST",   "/manage/ldap/", Superuser),

    // Organisations.
    ("GET",    "/{org}/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/", May(OrgRead)),
    ("PUT",    "/api/0/organizations/{org}/", May(OrgWrite)),
    ("GET",    "/api/0/organizations/{org}/grouping-configs/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/sessions/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/monitors/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/monitors/{monitor}/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/monitors/{monitor}/checkins/", May(OrgRead)),

    ("GET",    "/settings/{org}/", May(OrgRead)),
    ("POST",   "/settings/{org}/", May(OrgWrite)),
    ("GET",    "/api/0/organizations/{org}/audit-logs/", May(OrgWrite)),
    ("GET",    "/settings/{org}/audit-log/", May(OrgWrite)),
    ("GET",    "/settings/{org}/audit-log/export/", May(OrgWrite)),
    ("GET",    "/api/0/organizations/{org}/org-auth-tokens/", May(OrgWrite)),
    ("POST",   "/api/0/organizations/{org}/org-auth-tokens/", May(OrgWrite)),
    ("DELETE", "/api/0/organizations/{org}/org-auth-tokens/{token}/", May(OrgWrite)),
    ("GET",    "/settings/{org}/tokens/", May(OrgWrite)),
    ("POST",   "/settings/{org}/tokens/", May(OrgWrite)),
    ("POST",   "/settings/{org}/tokens/{token}/removal/", May(OrgWrite)),

    // Members. Everybody may leave, and join a team or ask to.
    ("GET",    "/api/0/organizations/{org}/members/", May(MemberRead)),
    ("POST",   "/api/0/organizations/{org}/members/", May(MemberWrite)),
    ("GET",    "/api/0/organizations/{org}/members/me/", May(OrgRead)),
    ("DELETE", "/api/0/organizations/{org}/members/me/", May(OrgRead)),
    ("POST",   "/api/0/organizations/{org}/members/me/teams/{team}/", May(OrgRead)),
    ("DELETE", "/api/0/organizations/{org}/members/me/teams/{team}/", May(OrgRead)),
    ("GET",    "/api/0/organizations/{org}/members/{member}/", May(MemberRead)),
    ("PUT",    "/api/0/organizations/{org}/members/{member}/", May(MemberWrite)),
    ("DELETE", "/api/0/organizations/{org}/members/{member}/", May(MemberAdmin)),
    ("POST",   "/api/0/organizations/{org}/members/{member}/teams/{team}/", May(TeamWrite)),
    ("DELETE", "/api/0/organizations/{org}/members/{member}/teams/{team}/", May(TeamWrite)),
    ("GET",    "/settings/{org}/members/", May(MemberRead)),
    ("POST",   "/settings/{org}/members/", May(MemberWrite)),
    ("POST",   "/settings/{org}/members/{member}/", May(MemberWrite)),
    ("POST",   "/settings/{org}/members/{member}/removal/", May(MemberAdmin)),
    ("POST",   "/settings/{org}/members/me/removal/", May(OrgRead)),
    ("POST",   "/settings/{org}/requests/{request}/", May(TeamWrite)),

    // Teams. To change one, one has to be in it, unless one's role is global.
    ("GET",    "/api/0/organizations/{org}/teams/", May(TeamRead)),
    ("POST",   "/api/0/organizations/{org}/teams/", May(TeamWrite)),
    ("GET",    "/api/0/organizations/{org}/access-requests/", May(TeamWrite)),
    ("PUT",    "/api/0/organizations/{org}/access-requests/{request}/", May(TeamWrite)),
    ("GET",    "/settings/{org}/teams/", May(TeamRead)),
    ("POST",   "/settings/{org}/teams/", May(TeamWrite)),
    ("GET",    "/settings/{org}/teams/{team}/", May(TeamRead)),
    ("POST",   "/settings/{org}/teams/{team}/", May(TeamWrite)),
    ("POST",   "/settings/{org}/teams/{team}/membership/", May(OrgRead)),
    ("GET",    "/api/0/teams/{org}/{team}/", May(TeamRead)),
    ("PUT",    "/api/0/teams/{org}/{team}/", May(TeamWrite)),
    ("DELETE", "/api/0/teams/{org}/{team}/", May(TeamAdmin)),
    ("GET",    "/api/0/teams/{org}/{team}/members/", May(MemberRead)),
    ("GET",    "/api/0/teams/{org}/{team}/projects/", May(ProjectRead)),
    ("POST",   "/api/0/teams/{org}/{team}/projects/", May(ProjectWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/teams/", May(ProjectRead)),
    ("POST",   "/api/0/projects/{org}/{project}/teams/{team}/", May(ProjectWrite)),
    ("DELETE", "/api/0/projects/{org}/{project}/teams/{team}/", May(ProjectWrite)),

    // Projects.
    ("GET",    "/{org}/{project}/", May(ProjectRead)),
    ("GET",    "/{org}/{project}/setup/", May(ProjectRead)),
    ("GET",    "/{org}/{project}/setup/{platform}/", May(ProjectRead)),
    ("GET",    "/{org}/{project}/setup/first-event/", May(ProjectRead)),
    ("GET",    "/{org}/{project}/settings/", May(ProjectRead)),
    ("POST",   "/{org}/{project}/settings/", May(ProjectWrite)),
    ("GET",    "/{org}/{project}/settings/{section}/", May(ProjectRead)),
    ("POST",   "/{org}/{project}/settings/{section}/", May(ProjectWrite)),
    ("GET",    "/{org}/{project}/settings/keys/", May(ProjectRead)),
    ("POST",   "/{org}/{project}/settings/keys/", May(ProjectWrite)),
    ("POST",   "/{org}/{project}/settings/keys/rotation/", May(ProjectWrite)),
    ("POST",   "/{org}/{project}/settings/keys/{key}/", May(ProjectWrite)),
    ("POST",   "/{org}/{project}/settings/keys/{key}/status/", May(ProjectWrite)),
    ("GET",    "/{org}/{project}/settings/quotas/", May(ProjectRead)),
    ("POST",   "/{org}/{project}/settings/quotas/", May(ProjectWrite)),
    ("POST",   "/{org}/{project}/settings/quotas/{quota}/removal/", May(ProjectWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/", May(ProjectRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/", May(ProjectWrite)),
    ("DELETE", "/api/0/projects/{org}/{project}/", May(ProjectAdmin)),
    ("GET",    "/api/0/projects/{org}/{project}/filters/", May(ProjectRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/filters/{filter}/", May(ProjectWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/monitors/{monitor}/", May(ProjectRead)),
    ("GET",    "/api/0/projects/{org}/{project}/monitors/{monitor}/checkins/", May(ProjectRead)),

    // Events and what comes with them.
    ("GET",    "/api/0/projects/{org}/{project}/events/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/events/{event}/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/events/{event}/grouping-info/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/events/{event}/attachments/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/events/{event}/attachments/{attachment}/", May(EventRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/events/{event}/attachments/{attachment}/", May(EventWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/user-reports/", May(ProjectRead)),
    ("GET",    "/api/0/projects/{org}/{project}/user-feedback/", May(ProjectRead)),
    ("POST",   "/api/0/projects/{org}/{project}/user-feedback/", Anyone),

    // Issues.
    ("GET",    "/{org}/{project}/issues/", May(EventRead)),
    ("GET",    "/{org}/{project}/issues/{issue}/", May(EventRead)),
    ("GET",    "/{org}/{project}/issues/{issue}/events/{event}/", May(EventRead)),
    ("GET",    "/{org}/{project}/issues/{issue}/events/{event}/json/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/issues/", May(EventRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/issues/", May(EventWrite)),
    ("DELETE", "/api/0/projects/{org}/{project}/issues/", May(EventAdmin)),
    ("GET",    "/api/0/projects/{org}/{project}/tombstones/", May(ProjectRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/tombstones/{tombstone}/", May(EventWrite)),
    ("GET",    "/api/0/issues/{issue}/", May(EventRead)),
    ("PUT",    "/api/0/issues/{issue}/", May(EventWrite)),
    ("DELETE", "/api/0/issues/{issue}/", May(EventAdmin)),
    ("GET",    "/api/0/issues/{issue}/hashes/", May(EventRead)),
    ("DELETE", "/api/0/issues/{issue}/hashes/", May(EventWrite)),
    ("GET",    "/api/0/issues/{issue}/activities/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/events/{event}/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/user-reports/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/user-feedback/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/", May(EventRead)),
    ("PUT",    "/api/0/organizations/{org}/issues/{issue}/", May(EventWrite)),
    ("DELETE", "/api/0/organizations/{org}/issues/{issue}/", May(EventAdmin)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/hashes/", May(EventRead)),
    ("DELETE", "/api/0/organizations/{org}/issues/{issue}/hashes/", May(EventWrite)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/activities/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/events/{event}/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/user-reports/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/user-feedback/", May(EventRead)),

    // Alerts and channels.
    ("GET",    "/api/0/channel-kinds/", SignedIn),
    ("GET",    "/api/0/organizations/{org}/channels/", May(OrgRead)),
    ("POST",   "/api/0/organizations/{org}/channels/", May(OrgWrite)),
    ("DELETE", "/api/0/organizations/{org}/channels/{channel}/", May(OrgWrite)),
    ("GET",    "/api/0/organizations/{org}/channels/{channel}/", May(OrgRead)),
    ("PUT",    "/api/0/organizations/{org}/channels/{channel}/", May(OrgWrite)),
    ("POST",   "/api/0/organizations/{org}/channels/{channel}/test/", May(OrgWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/channels/", May(AlertsRead)),
    ("POST",   "/api/0/projects/{org}/{project}/channels/", May(AlertsWrite)),
    ("DELETE", "/api/0/projects/{org}/{project}/channels/{channel}/", May(AlertsWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/channels/{channel}/", May(AlertsRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/channels/{channel}/", May(AlertsWrite)),
    ("POST",   "/api/0/projects/{org}/{project}/channels/{channel}/test/", May(AlertsWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/rules/", May(AlertsRead)),
    ("POST",   "/api/0/projects/{org}/{project}/rules/", May(AlertsWrite)),
    ("POST",   "/api/0/projects/{org}/{project}/rules/preview/", May(AlertsRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/rules/{rule}/", May(AlertsWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/rules/{rule}/", May(AlertsRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/rules/{rule}/", May(AlertsWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/rules/{rule}/history/", May(AlertsRead)),
    ("POST",   "/api/0/projects/{org}/{project}/rules/{rule}/history/{delivery}/replay/", May(AlertsWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/rules/{rule}/preview/", May(AlertsRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/rules/{rule}/snooze/", May(AlertsWrite)),
    ("POST",   "/api/0/projects/{org}/{project}/rules/{rule}/snooze/", May(AlertsWrite)),
    ("POST",   "/api/0/projects/{org}/{project}/rules/{rule}/test/", May(AlertsWrite)),
    ("GET",    "/unsubscribe/{user}/{project}/{signature}/", Anyone),
    ("POST",   "/unsubscribe/{user}/{project}/{signature}/", Anyone),
    ("GET",    "/{org}/{project}/settings/alerts/", May(AlertsRead)),
    ("POST",   "/{org}/{project}/settings/alerts/mails/", May(AlertsRead)),
    ("GET",    "/{org}/{project}/settings/alerts/new/", May(AlertsRead)),
    ("POST",   "/{org}/{project}/settings/alerts/new/", May(AlertsWrite)),
    ("GET",    "/{org}/{project}/settings/alerts/{rule}/", May(AlertsRead)),
    ("POST",   "/{org}/{project}/settings/alerts/{rule}/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/alerts/{rule}/again/{delivery}/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/alerts/{rule}/mute/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/alerts/{rule}/removal/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/alerts/{rule}/test/", May(AlertsWrite)),
    ("GET",    "/{org}/{project}/settings/channels/", May(AlertsRead)),
    ("GET",    "/{org}/{project}/settings/channels/new/{kind}/", May(AlertsRead)),
    ("POST",   "/{org}/{project}/settings/channels/new/{kind}/", May(AlertsWrite)),
    ("GET",    "/{org}/{project}/settings/channels/{channel}/", May(AlertsRead)),
    ("POST",   "/{org}/{project}/settings/channels/{channel}/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/channels/{channel}/removal/", May(AlertsWrite)),
    ("POST",   "/{org}/{project}/settings/channels/{channel}/test/", May(AlertsWrite)),

    // Lists of issues, what finds them, and saved searches.
    ("DELETE", "/api/0/organizations/{org}/issues/", May(EventAdmin)),
    ("GET",    "/api/0/organizations/{org}/issues/", May(EventRead)),
    ("PUT",    "/api/0/organizations/{org}/issues/", May(EventWrite)),
    ("GET",    "/api/0/organizations/{org}/search-suggestions/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/searches/", May(EventRead)),
    ("POST",   "/api/0/organizations/{org}/searches/", May(EventRead)),
    ("DELETE", "/api/0/organizations/{org}/searches/{search}/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/searches/{search}/", May(EventRead)),
    ("PUT",    "/api/0/organizations/{org}/searches/{search}/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/shortids/{name}/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/tags/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/tags/{tag}/values/", May(EventRead)),
    ("POST",   "/api/0/organizations/{org}/undo/{actions}/", May(EventWrite)),
    ("GET",    "/api/0/projects/{org}/{project}/searches/", May(EventRead)),
    ("POST",   "/api/0/projects/{org}/{project}/searches/", May(EventRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/searches/{search}/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/searches/{search}/", May(EventRead)),
    ("PUT",    "/api/0/projects/{org}/{project}/searches/{search}/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/tags/", May(EventRead)),
    ("DELETE", "/api/0/projects/{org}/{project}/tags/{tag}/", May(ProjectAdmin)),
    ("GET",    "/api/0/projects/{org}/{project}/tags/{tag}/", May(EventRead)),
    ("GET",    "/api/0/projects/{org}/{project}/tags/{tag}/values/", May(EventRead)),
    ("GET",    "/{org}/issues/", May(EventRead)),
    ("POST",   "/{org}/issues/bulk/", May(EventWrite)),
    ("POST",   "/{org}/issues/searches/", May(EventRead)),
    ("POST",   "/{org}/issues/searches/{search}/deletion/", May(EventRead)),
    ("POST",   "/{org}/issues/undo/", May(EventWrite)),
    ("POST",   "/{org}/{project}/issues/bulk/", May(EventWrite)),
    ("POST",   "/{org}/{project}/issues/searches/", May(EventRead)),
    ("POST",   "/{org}/{project}/issues/searches/{search}/deletion/", May(EventRead)),
    ("POST",   "/{org}/{project}/issues/undo/", May(EventWrite)),

    // What people say and see of an issue.
    ("GET",    "/api/0/issues/{issue}/comments/", May(EventRead)),
    ("POST",   "/api/0/issues/{issue}/comments/", May(EventWrite)),
    ("DELETE", "/api/0/issues/{issue}/comments/{comment}/", May(EventWrite)),
    ("PUT",    "/api/0/issues/{issue}/comments/{comment}/", May(EventWrite)),
    ("GET",    "/api/0/issues/{issue}/events/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/notes/", May(EventRead)),
    ("POST",   "/api/0/issues/{issue}/notes/", May(EventWrite)),
    ("DELETE", "/api/0/issues/{issue}/notes/{comment}/", May(EventWrite)),
    ("PUT",    "/api/0/issues/{issue}/notes/{comment}/", May(EventWrite)),
    ("GET",    "/api/0/issues/{issue}/participants/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/tags/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/tags/{tag}/", May(EventRead)),
    ("GET",    "/api/0/issues/{issue}/tags/{tag}/values/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/comments/", May(EventRead)),
    ("POST",   "/api/0/organizations/{org}/issues/{issue}/comments/", May(EventWrite)),
    ("DELETE", "/api/0/organizations/{org}/issues/{issue}/comments/{comment}/", May(EventWrite)),
    ("PUT",    "/api/0/organizations/{org}/issues/{issue}/comments/{comment}/", May(EventWrite)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/events/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/notes/", May(EventRead)),
    ("POST",   "/api/0/organizations/{org}/issues/{issue}/notes/", May(EventWrite)),
    ("DELETE", "/api/0/organizations/{org}/issues/{issue}/notes/{comment}/", May(EventWrite)),
    ("PUT",    "/api/0/organizations/{org}/issues/{issue}/notes/{comment}/", May(EventWrite)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/participants/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/tags/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/tags/{tag}/", May(EventRead)),
    ("GET",    "/api/0/organizations/{org}/issues/{issue}/tags/{tag}/values/", May(EventRead)),
    ("GET",    "/api/0/shared/issues/{share}/", Anyone),
    ("GET",    "/{org}/{project}/issues/{issue}/activity/", May(EventRead)),
    ("POST",   "/{org}/{project}/issues/{issue}/comments/", May(EventWrite)),
    ("POST",   "/{org}/{project}/issues/{issue}/comments/{comment}/", May(EventWrite)),
    ("POST",   "/{org}/{project}/issues/{issue}/comments/{comment}/deletion/", May(EventWrite)),
    ("POST",   "/{org}/{project}/issues/{issue}/decision/", May(EventWrite)),
    ("GET",    "/{org}/{project}/issues/{issue}/events/", May(EventRead)),
    ("GET",    "/{org}/{project}/issues/{issue}/events/{event}/text/", May(EventRead)),
    ("GET",    "/{org}/{project}/issues/{issue}/fingerprints/", May(EventRead)),
    ("POST",   "/{org}/{project}/issues/{issue}/fingerprints/separation/", May(EventWrite)),
    ("GET",    "/{org}/{project}/issues/{issue}/tags/", May(EventRead)),
];

static BY_ROUTE: LazyLock<HashMap<(&str, &str), Who>> =
    LazyLock::new(|| ROUTES.iter().map(|(method, path, who)| ((*method, path.trim_end_matches('/')), *who)).collect());

/// Whom a route serves; none where the table has no line for it.
pub fn who(method: &str, path: &str) -> Option<Who> {
    // What a HEAD tells, a GET does.
    let method = if method == "HEAD" { "GET" } else { method };
    BY_ROUTE.get(&(method, path.trim_end_matches('/'))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_one_line() {
        assert_eq!(BY_ROUTE.len(), ROUTES.len(), "a route stands twice in the table");
    }

    #[test]
    fn a_route_is_found_with_and_without_its_last_slash() {
        assert_eq!(who("PUT", "/api/0/issues/{issue}"), Some(May(EventWrite)));
        assert_eq!(who("HEAD", "/"), Some(SignedIn));
        assert_eq!(who("PATCH", "/"), None);
    }
}
