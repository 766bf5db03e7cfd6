//! Where the model computes. The only file with `cfg(feature = "cuda" | "metal")`.

use std::str::FromStr;

use candle_core::Device;

use super::ModelError;

/// What the user asked for on the command line or in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU this build supports, otherwise the CPU.
    #[default]
    Auto,
    Cpu,
    /// NVIDIA GPU by ordinal.
    Cuda(usize),
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "metal" => Ok(Self::Metal),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|ordinal| ordinal.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("“{text}” is not auto, cpu, cuda:N or metal")),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`ModelError::Device`] if this build or machine lacks it.
    pub fn open(self) -> Result<Device, ModelError> {
        match self {
            Self::Auto => Ok(best_gpu().unwrap_or(Device::Cpu)),
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(ordinal) => open_cuda(ordinal),
            Self::Metal => open_metal(),
        }
    }
}

/// The device in words, for the status bar: `CPU, 2 threads`.
pub fn label(device: &Device) -> String {
    match device {
        Device::Cpu => {
            let n_threads = rayon::current_num_threads();
            let plural = if n_threads == 1 { "" } else { "s" };
            format!("CPU, {n_threads} thread{plural}")
        }
        Device::Cuda(_) => "NVIDIA GPU".to_owned(),
        Device::Metal(_) => "Apple GPU".to_owned(),
    }
}

/// A GPU that works, without complaint when there is none.
fn best_gpu() -> Option<Device> {
    if cfg!(feature = "cuda") {
        open_cuda(0).ok()
    } else if cfg!(feature = "metal") {
        open_metal().ok()
    } else {
        None
    }
}

fn open_cuda(ordinal: usize) -> Result<Device, ModelError> {
    let name = format!("cuda:{ordinal}");
    if cfg!(feature = "cuda") {
        Device::new_cuda(ordinal)
            .map_err(|error| ModelError::Device { device: name, reason: error.to_string() })
    } else {
        Err(not_in_this_build(name, "cuda"))
    }
}

fn open_metal() -> Result<Device, ModelError> {
    let name = "metal".to_owned();
    if cfg!(feature = "metal") {
        Device::new_metal(0)
            .map_err(|error| ModelError::Device { device: name, reason: error.to_string() })
    } else {
        Err(not_in_this_build(name, "metal"))
    }
}

fn not_in_this_build(device: String, feature: &str) -> ModelError {
    let reason =
        format!("this build lacks it; build with --features {feature} or use --device cpu");
    ModelError::Device { device, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_parsed() {
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
        assert!("cuda:x".parse::<DeviceChoice>().unwrap_err().contains("cuda:x"));
        assert!("GPU".parse::<DeviceChoice>().is_err());
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert!(DeviceChoice::Auto.open().is_ok());
        if !cfg!(feature = "metal") {
            let error = DeviceChoice::Metal.open().unwrap_err().to_string();
            assert!(error.contains("--features metal"), "{error}");
        }
    }
}
