//! A minidump, read as far as it goes without symbols: why and where the program ended, its threads, what was loaded, and on
//! what it ran.
//!
//! A dump is a stranger's file: every list in it is counted and measured before it is read, since its entries may all point at
//! the same long text.

use minidump::{
    Minidump, MinidumpAssertion, MinidumpException, MinidumpMiscInfo, MinidumpModuleList, MinidumpSystemInfo,
    MinidumpThreadList, MinidumpThreadNames, Module, UnifiedMemoryList,
    system_info::{Cpu, Os},
};
use serde_json::{Value, json};

use super::{
    super::json::{Object, cut},
    Problems, What, fill, object, stack,
};

const MOST_STREAMS: u32 = 512;
const MOST_ENTRIES: u32 = 8_192;
const MOST_REGIONS: u32 = 65_536;
/// All texts of a list together.
const MOST_TEXT: u64 = 4 << 20;
const MOST_IMAGES: usize = 2_000;
const MOST_THREADS: usize = 500;
const LONGEST: usize = 1_024;
/// Numbers of streams, after Microsoft's `MINIDUMP_STREAM_TYPE`.
const THREADS: u32 = 3;
const MODULES: u32 = 4;
const MEMORY: u32 = 5;
const MEMORY_64: u32 = 9;
const THREAD_NAMES: u32 = 24;

/// A dump, taken apart and whole.
struct Dump<'a> {
    streams: Minidump<'a, &'a [u8]>,
    all: &'a [u8],
}

/// What a dump says, in the words of events.
#[derive(Debug, Default)]
pub struct Read {
    timestamp: Option<u32>,
    exception: Object,
    threads: Vec<Value>,
    images: Vec<Value>,
    os: Object,
    device: Object,
    problems: Vec<String>,
}

/// Reads a dump; the reason where it is none.
pub fn read(dump: &[u8]) -> Result<Read, String> {
    check_header(dump)?;
    let streams = Minidump::read(dump).map_err(|error| format!("it is no minidump: {error}"))?;
    let dump = Dump { streams, all: dump };
    let timestamp = Some(dump.streams.header.time_date_stamp).filter(|at| *at > 0);
    let mut read = Read { timestamp, ..Read::default() };
    let system = dump.streams.get_stream::<MinidumpSystemInfo>();
    let (os, cpu) = system.as_ref().map_or((Os::Unknown(0), Cpu::Unknown(0)), |system| (system.os, system.cpu));
    match &system {
        Ok(system) => read.system(system),
        Err(error) => read.problems.push(format!("it does not say on what system it was made: {error}")),
    }
    let modules = modules(&dump).unwrap_or_else(|error| {
        read.problems.push(format!("its list of modules cannot be read: {error}"));
        MinidumpModuleList::new()
    });
    read.images = modules.iter().take(MOST_IMAGES).map(|module| image(module, os)).collect();
    let exception = dump.streams.get_stream::<MinidumpException<'_>>();
    if let Err(error) = &exception {
        read.problems.push(format!("it does not say why the program ended: {error}"));
    }
    let crash =
        Crash { dump: &dump, system: system.as_ref().ok(), exception: exception.as_ref().ok(), modules, os, cpu };
    read.exception = crash.exception();
    read.threads(&crash);
    Ok(read)
}

/// A dump of very many streams only costs time, and a line of the log for each.
fn check_header(dump: &[u8]) -> Result<(), String> {
    let count = number(dump, 8, !dump.starts_with(b"PMDM")).ok_or("it ends before it begins")?;
    if count > MOST_STREAMS { Err(format!("it has {count} streams")) } else { Ok(()) }
}

fn number(bytes: &[u8], at: usize, is_little: bool) -> Option<u32> {
    let bytes: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
}

/// How a list of a dump looks before it is read.
struct List<'a> {
    all: &'a [u8],
    entries: &'a [u8],
    is_little: bool,
}

impl<'a> List<'a> {
    fn of(dump: &'a Dump<'a>, stream: u32, size: usize, most: u32) -> Result<List<'a>, String> {
        let bytes = dump.streams.get_raw_stream(stream).map_err(|error| error.to_string())?;
        let is_little = dump.streams.endian == minidump::Endian::Little;
        let count = number(bytes, 0, is_little).ok_or("it is empty")?;
        if count > most {
            return Err(format!("it has {count} entries"));
        }
        // Some writers align the entries to eight bytes.
        let length = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size);
        let start = bytes.len().checked_sub(length).filter(|start| matches!(start, 4 | 8)).unwrap_or(4);
        Ok(List { all: dump.all, entries: &bytes[start.min(bytes.len())..], is_little })
    }

    /// Adds up the texts that entries of a size point at, and whatever else an entry says it holds.
    fn measure(&self, size: usize, text: usize, other: Option<usize>) -> Result<(), String> {
        let sizes = self.entries.chunks_exact(size).map(|entry| {
            let rva = number(entry, text, self.is_little).and_then(|rva| usize::try_from(rva).ok());
            let text = rva.and_then(|rva| number(self.all, rva, self.is_little)).unwrap_or_default();
            let other = other.and_then(|at| number(entry, at, self.is_little)).unwrap_or_default();
            u64::from(text) + u64::from(other)
        });
        let size: u64 = sizes.sum();
        if size > MOST_TEXT { Err(format!("its texts have {size} bytes")) } else { Ok(()) }
    }
}

fn modules<'a>(dump: &'a Dump<'a>) -> Result<MinidumpModuleList, String> {
    // Where in an entry its name is, and how large the record of its symbols.
    let (size, name, record) = (108, 20, 76);
    List::of(dump, MODULES, size, MOST_ENTRIES)?.measure(size, name, Some(record))?;
    dump.streams.get_stream::<MinidumpModuleList>().map_err(|error| error.to_string())
}

fn thread_names<'a>(dump: &'a Dump<'a>) -> MinidumpThreadNames {
    let (size, name) = (12, 4);
    let checked = List::of(dump, THREAD_NAMES, size, MOST_ENTRIES).and_then(|list| list.measure(size, name, None));
    checked.ok().and_then(|()| dump.streams.get_stream().ok()).unwrap_or_default()
}

fn threads<'a>(dump: &'a Dump<'a>) -> Result<MinidumpThreadList<'a>, String> {
    List::of(dump, THREADS, 48, MOST_ENTRIES)?;
    dump.streams.get_stream().map_err(|error| error.to_string())
}

fn memory<'a>(dump: &'a Dump<'a>) -> UnifiedMemoryList<'a> {
    let few = |stream| List::of(dump, stream, 16, MOST_REGIONS).is_ok() || dump.streams.get_raw_stream(stream).is_err();
    let found = if few(MEMORY) && few(MEMORY_64) { dump.streams.get_memory() } else { None };
    found.unwrap_or_default()
}

/// The streams that only say something together.
struct Crash<'a> {
    dump: &'a Dump<'a>,
    system: Option<&'a MinidumpSystemInfo>,
    exception: Option<&'a MinidumpException<'a>>,
    modules: MinidumpModuleList,
    os: Os,
    cpu: Cpu,
}

impl Crash<'_> {
    /// The exception without its stack.
    fn exception(&self) -> Object {
        let mechanism = json!({"type": "minidump", "handled": false});
        let Some(exception) = self.exception else {
            let fields =
                [("type", "Minidump".into()), ("value", "The program did not crash".into()), ("mechanism", mechanism)];
            return object(fields);
        };
        let reason = exception.get_crash_reason(self.os, self.cpu).to_string();
        let address = exception.get_crash_address(self.os, self.cpu);
        let assertion =
            self.dump.streams.get_stream::<MinidumpAssertion>().ok().and_then(|assertion| assertion.expression());
        let value = match assertion.filter(|expression| !expression.is_empty()) {
            Some(expression) => format!("Assertion Error: {}", cut(&expression, LONGEST)),
            None => format!("Fatal Error: {reason} at {address:#x}"),
        };
        object([("type", reason.into()), ("value", value.into()), ("mechanism", mechanism)])
    }
}

impl Read {
    fn system(&mut self, system: &MinidumpSystemInfo) {
        let (version, build) = system.os_parts();
        let build = cut(&build.unwrap_or_default(), LONGEST);
        let name = match system.os {
            Os::Windows => "Windows".into(),
            Os::MacOs => "macOS".into(),
            Os::Ios => "iOS".into(),
            Os::Linux => "Linux".into(),
            Os::Android => "Android".into(),
            other => other.long_name().into_owned(),
        };
        let version_field = if system.os == Os::Linux { "kernel_version" } else { "version" };
        self.os =
            object([("name", name.into()), (version_field, cut(&version, LONGEST).into()), ("build", build.into())]);
        let arch = match system.cpu {
            Cpu::X86_64 => "x86_64".to_owned(),
            other => other.to_string(),
        };
        let cpu = system.cpu_info().map(|cpu| cut(&cpu, LONGEST)).unwrap_or_default();
        let processors = system.raw.number_of_processors;
        self.device =
            object([("arch", arch.into()), ("cpu_description", cpu.into()), ("processor_count", processors.into())]);
    }

    fn threads(&mut self, crash: &Crash<'_>) {
        let threads = match threads(crash.dump) {
            Ok(threads) => threads,
            Err(error) => return self.problems.push(format!("its list of threads cannot be read: {error}")),
        };
        let names = thread_names(crash.dump);
        let crashed = crash.exception.map(MinidumpException::get_crashing_thread_id);
        // The one that crashed may be one of many.
        let listed = threads.threads.iter().map(|thread| thread.raw.thread_id);
        let (first, others): (Vec<u32>, Vec<u32>) = listed.partition(|id| Some(*id) == crashed);
        for id in first.into_iter().take(1).chain(others).take(MOST_THREADS) {
            let is_crashed = Some(id) == crashed;
            let name = names.get_name(id).map(|name| cut(&name, LONGEST));
            self.threads.push(json!({"id": id, "name": name, "crashed": is_crashed, "current": is_crashed}));
        }
        let (Some(system), Some(exception)) = (crash.system, crash.exception) else { return };
        let misc = crash.dump.streams.get_stream::<MinidumpMiscInfo>().ok();
        let thread = crashed.and_then(|id| threads.get_thread(id));
        // The exception's own registers are those of the crash; the thread's may be those of the handler.
        let own = exception.context(system, misc.as_ref());
        let Some(context) = own.or_else(|| thread?.context(system, misc.as_ref())) else {
            return self.problems.push("it does not say where the program was".into());
        };
        let place = crash.modules.module_at_address(context.get_instruction_pointer());
        if let (Some(module), Some(Value::String(value))) = (place, self.exception.get_mut("value")) {
            value.push_str(" in ");
            value.push_str(&cut(stack::file_name(&module.code_file()), LONGEST));
        }
        let memory = memory(crash.dump);
        let stack = thread.and_then(|thread| thread.stack_memory(&memory));
        let frames = stack::frames(&context, crash.cpu, stack, &crash.modules);
        let registers: Object =
            context.valid_registers().map(|(name, value)| (name.to_owned(), format!("{value:#x}").into())).collect();
        self.exception.insert("thread_id".into(), crashed.into());
        self.exception.insert("stacktrace".into(), json!({"frames": frames, "registers": registers}));
    }

    /// Fills an event with it.
    pub fn fill(self, event: &mut Object, problems: &mut Problems) {
        for problem in &self.problems {
            problems.note(What::Dump, problem);
        }
        if let (Some(at), true) = (self.timestamp, event.get("timestamp").is_none_or(Value::is_null)) {
            event.insert("timestamp".into(), at.into());
        }
        event.insert("exception".into(), json!({"values": [self.exception]}));
        if !self.threads.is_empty() {
            event.insert("threads".into(), json!({"values": self.threads}));
        }
        if !self.images.is_empty() {
            fill(event, &["debug_meta"], object([("images", self.images.into())]));
        }
        fill(event, &["contexts", "os"], self.os);
        fill(event, &["contexts", "device"], self.device);
    }
}

fn image(module: &minidump::MinidumpModule, os: Os) -> Value {
    let kind = match os {
        Os::Windows => "pe",
        Os::MacOs | Os::Ios => "macho",
        _ => "elf",
    };
    let mut image = object([
        ("type", kind.into()),
        ("code_file", cut(&module.code_file(), LONGEST).into()),
        ("image_addr", format!("{:#x}", module.base_address()).into()),
        ("image_size", module.size().into()),
    ]);
    let others = [
        ("code_id", module.code_identifier().map(|id| id.to_string())),
        ("debug_file", module.debug_file().map(|file| cut(&file, LONGEST))),
        ("debug_id", module.debug_identifier().map(|id| id.to_string())),
    ];
    image.extend(others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    image.into()
}
