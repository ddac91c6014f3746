//! Names of what systems number: signals with their codes, errors, and exceptions of Mach.
//!
//! The numbers are those of the systems' headers. A list names what is counted from one; a dash is a number without a name.

use serde_json::Value;

use super::super::json::Object;

/// A system, as far as it numbers things in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Linux,
    Darwin,
    Windows,
}

impl System {
    /// By the name of a system or of its SDK.
    pub fn named(name: &str) -> Option<System> {
        Some(match name.to_lowercase().as_str() {
            "linux" | "android" => System::Linux,
            "ios" | "ipados" | "macos" | "mac os x" | "tvos" | "watchos" => System::Darwin,
            "windows" => System::Windows,
            _ => return None,
        })
    }

    fn signals(self) -> &'static str {
        match self {
            System::Linux => LINUX_SIGNALS,
            System::Darwin => DARWIN_SIGNALS,
            System::Windows => "",
        }
    }

    fn errors(self) -> &'static str {
        match self {
            System::Linux => LINUX_ERRORS,
            System::Darwin => DARWIN_ERRORS,
            System::Windows => WINDOWS_ERRORS,
        }
    }
}

/// Names what a mechanism knows by number, where it has no name yet.
pub fn name(meta: &mut Value, system: Option<System>) {
    if let Some(system) = system {
        if let Some(signal) = part(meta, "signal") {
            set(signal, "name", nth(system.signals(), number(signal, "number")));
            let code = number(signal, "code");
            let codes = (system == System::Darwin)
                .then(|| DARWIN_CODES.iter().find(|(own, _)| Some(*own) == number(signal, "number")));
            let names = codes.flatten().map_or("", |(_, names)| names);
            set(signal, "code_name", nth(names, code.map(|code| code + 1)));
        }
        if let Some(errno) = part(meta, "errno") {
            set(errno, "name", nth(system.errors(), number(errno, "number")));
        }
    }
    if let Some(mach) = part(meta, "mach_exception") {
        set(mach, "name", nth(MACH_EXCEPTIONS, number(mach, "exception")));
    }
}

fn part<'a>(meta: &'a mut Value, name: &str) -> Option<&'a mut Object> {
    meta.get_mut(name)?.as_object_mut()
}

fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name)?.as_i64()
}

fn set(object: &mut Object, field: &str, name: Option<&'static str>) {
    if let (Some(name), true) = (name, object.get(field).is_none_or(Value::is_null)) {
        object.insert(field.into(), name.into());
    }
}

/// The word of a list at a place counted from one.
fn nth(list: &'static str, place: Option<i64>) -> Option<&'static str> {
    let place = usize::try_from(place?).ok()?.checked_sub(1)?;
    list.split_whitespace().nth(place).filter(|name| *name != "-")
}

const LINUX_SIGNALS: &str = "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM \
    SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF \
    SIGWINCH SIGIO SIGPWR SIGSYS";
const DARWIN_SIGNALS: &str = "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGPOLL SIGFPE SIGKILL SIGBUS SIGSEGV SIGSYS SIGPIPE SIGALRM \
    SIGTERM SIGURG SIGSTOP SIGTSTP SIGCONT SIGCHLD SIGTTIN SIGTTOU SIGIO SIGXCPU SIGXFSZ SIGVTALRM SIGPROF \
    SIGWINCH SIGINFO SIGUSR1 SIGUSR2";
/// What a signal's code says, counted from nought.
const DARWIN_CODES: &[(i64, &str)] = &[
    (4, "ILL_NOOP ILL_ILLOPC ILL_ILLTRP ILL_PRVOPC ILL_ILLOPN ILL_ILLADR ILL_PRVREG ILL_COPROC ILL_BADSTK"),
    (5, "- TRAP_BRKPT TRAP_TRACE"),
    (7, "- POLL_IN POLL_OUT POLL_MSG POLL_ERR POLL_PRI POLL_HUP"),
    (8, "FPE_NOOP FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB FPE_INTDIV FPE_INTOVF"),
    (10, "BUS_NOOP BUS_ADRALN BUS_ADRERR BUS_OBJERR"),
    (11, "SEGV_NOOP SEGV_MAPERR SEGV_ACCERR"),
];
const LINUX_ERRORS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST \
    EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM \
    ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG \
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET \
    ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG \
    ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE \
    EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE \
    EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN \
    ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL \
    EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD \
    ENOTRECOVERABLE ERFKILL EHWPOISON";
const DARWIN_ERRORS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EDEADLK ENOMEM EACCES EFAULT ENOTBLK EBUSY \
    EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE \
    EDOM ERANGE EAGAIN EINPROGRESS EALREADY ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT \
    ESOCKTNOSUPPORT ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET \
    ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED ELOOP \
    ENAMETOOLONG EHOSTDOWN EHOSTUNREACH ENOTEMPTY EPROCLIM EUSERS EDQUOT ESTALE EREMOTE EBADRPC ERPCMISMATCH \
    EPROGUNAVAIL EPROGMISMATCH EPROCUNAVAIL ENOLCK ENOSYS EFTYPE EAUTH ENEEDAUTH EPWROFF EDEVERR EOVERFLOW \
    EBADEXEC EBADARCH ESHLIBVERS EBADMACHO ECANCELED EIDRM ENOMSG EILSEQ ENOATTR EBADMSG EMULTIHOP ENODATA ENOLINK \
    ENOSR ENOSTR EPROTO ETIME EOPNOTSUPP ENOPOLICY ENOTRECOVERABLE EOWNERDEAD EQFULL";
const WINDOWS_ERRORS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT - EBUSY EEXIST EXDEV \
    ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY - EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE - \
    EDEADLK - ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY EILSEQ - - - - - - - - - - - - - - - - - - - - - - - - - - - - \
    - - - - - - - - - STRUNCATE - - - - - - - - - - - - - - - - - - - EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT \
    EALREADY EBADMSG ECANCELED ECONNABORTED ECONNREFUSED ECONNRESET EDESTADDRREQ EHOSTUNREACH EIDRM EINPROGRESS \
    EISCONN ELOOP EMSGSIZE ENETDOWN ENETRESET ENETUNREACH ENOBUFS ENODATA ENOLINK ENOMSG ENOPROTOOPT ENOSR ENOSTR \
    ENOTCONN ENOTRECOVERABLE ENOTSOCK ENOTSUP EOPNOTSUPP EOTHER EOVERFLOW EOWNERDEAD EPROTO EPROTONOSUPPORT \
    EPROTOTYPE ETIME ETIMEDOUT ETXTBSY EWOULDBLOCK";
const MACH_EXCEPTIONS: &str = "EXC_BAD_ACCESS EXC_BAD_INSTRUCTION EXC_ARITHMETIC EXC_EMULATION EXC_SOFTWARE EXC_BREAKPOINT \
    EXC_SYSCALL EXC_MACH_SYSCALL EXC_RPC_ALERT EXC_CRASH EXC_RESOURCE EXC_GUARD EXC_CORPSE_NOTIFY";
