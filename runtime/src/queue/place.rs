//! Where a database may lie: on a disk of this machine.

use std::path::Path;

use super::StoreError;

/// File systems on which another machine may hold the lock, or a sync may mean nothing, by the number that Linux gives
/// them (statfs(2)).
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB2"),
    (0xFF53_4D42, "CIFS"),
    (0x5346_414F, "AFS"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
];

/// Says so when the file would lie on a network file system. Where the system does not tell, nothing is refused.
pub(super) fn refuse_network(path: &Path) -> Result<(), StoreError> {
    match kind_of(path).and_then(network) {
        Some(kind) => Err(StoreError::Network {
            path: path.into(),
            kind,
        }),
        None => Ok(()),
    }
}

fn network(number: u64) -> Option<&'static str> {
    let known = NETWORK.iter().find(|(known, _)| *known == number);
    known.map(|(_, name)| *name)
}

#[cfg(target_os = "linux")]
fn kind_of(path: &Path) -> Option<u64> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let found = rustix::fs::statfs(folder.unwrap_or(Path::new("."))).ok()?;
    // The width of the number differs from one machine to the next; only 32 bits of it are used.
    u64::try_from(found.f_type & 0xFFFF_FFFF).ok()
}

#[cfg(not(target_os = "linux"))]
fn kind_of(_path: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_disk_of_this_machine_is_named() {
        assert_eq!(network(0x6969), Some("NFS"));
        assert_eq!(network(0xEF53), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_local_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert!(kind_of(&folder.path().join("usher.db")).is_some());
        assert!(refuse_network(&folder.path().join("usher.db")).is_ok());
    }
}
