//! Stacks without symbols: which addresses were on the way, and in which module each is.
//!
//! Callers are found by their frame pointers, which most compilers keep on request and ARM and macOS always do; nothing is
//! guessed. A frame is called by its module and where in it it is, as debuggers do without symbols: `shop.exe+0x1a2b` stays
//! the same from start to start, so that the same crash of the same build is one issue.

use minidump::{MinidumpContext, MinidumpModuleList, Module, UnifiedMemory, system_info::Cpu};
use serde_json::{Value, json};

const MOST_FRAMES: usize = 100;
/// ARM may sign the addresses of callers in their upper bits.
const UNSIGNED: u64 = 0x0000_ffff_ffff_ffff;

/// The frames of a thread, outermost first.
pub fn frames(
    context: &MinidumpContext,
    cpu: Cpu,
    stack: Option<UnifiedMemory<'_, '_>>,
    modules: &MinidumpModuleList,
) -> Vec<Value> {
    let own = context.get_instruction_pointer();
    let mut frames = vec![frame(own, modules, "context")];
    let callers = stack.map(|stack| callers(context, cpu, stack, modules)).unwrap_or_default();
    frames.extend(callers.into_iter().map(|address| frame(address, modules, "fp")));
    frames.reverse();
    frames
}

fn callers(
    context: &MinidumpContext,
    cpu: Cpu,
    stack: UnifiedMemory<'_, '_>,
    modules: &MinidumpModuleList,
) -> Vec<u64> {
    let (register, width) = match cpu {
        Cpu::X86 => ("ebp", 4),
        Cpu::X86_64 => ("rbp", 8),
        Cpu::Arm64 => ("fp", 8),
        _ => return Vec::new(),
    };
    let read = |at: u64| match width {
        4 => stack.get_memory_at_address::<u32>(at).map(u64::from),
        _ => stack.get_memory_at_address::<u64>(at),
    };
    let mask = if cpu == Cpu::Arm64 { UNSIGNED } else { u64::MAX };
    let in_module = |address: &u64| modules.module_at_address(*address).is_some();
    let mut callers = Vec::new();
    // A call of a bad pointer leaves no frame of its own: its caller is where it would return to.
    if !in_module(&context.get_instruction_pointer()) {
        let back = match cpu {
            Cpu::Arm64 => context.get_register("lr").map(|address| address & mask),
            _ => read(context.get_stack_pointer()),
        };
        callers.extend(back.filter(in_module));
    }
    let mut frame = context.get_register(register).unwrap_or_default();
    while callers.len() < MOST_FRAMES {
        let back = frame.checked_add(width).and_then(read).map(|address| address & mask);
        let (Some(back), Some(next)) = (back.filter(in_module), read(frame)) else { break };
        callers.push(back);
        if next <= frame {
            break;
        }
        frame = next;
    }
    callers
}

fn frame(address: u64, modules: &MinidumpModuleList, trust: &str) -> Value {
    let mut frame = json!({"instruction_addr": format!("{address:#x}"), "trust": trust});
    if let Some(module) = modules.module_at_address(address) {
        let file = module.code_file();
        frame["package"] = Value::from(file.as_ref());
        frame["image_addr"] = format!("{:#x}", module.base_address()).into();
        frame["function"] = name(file_name(&file), address - module.base_address()).into();
    }
    frame
}

fn name(module: &str, offset: u64) -> String {
    let module: String = module.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    format!("{module}+{offset:#x}")
}

/// The last part of a path, of Windows or not.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The stack as the Unreal Engine writes it, innermost first: a module, where it begins, and how far behind.
pub fn portable(text: &str) -> Vec<Value> {
    let mut frames: Vec<Value> = text.lines().take(MOST_FRAMES).filter_map(portable_frame).collect();
    frames.reverse();
    frames
}

fn portable_frame(line: &str) -> Option<Value> {
    let hex = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let (start, offset) = line.trim().rsplit_once('+')?;
    let (module, base) = start.trim_end().rsplit_once(char::is_whitespace)?;
    let (module, base, offset) = (module.trim(), hex(base)?, hex(offset)?);
    let address = base.checked_add(offset)?;
    Some(json!({
        "instruction_addr": format!("{address:#x}"), "image_addr": format!("{base:#x}"), "package": module,
        "function": name(file_name(module), offset),
    }))
}
