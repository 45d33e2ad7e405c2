"""The techniques of MITRE ATT&CK for ICS that the profiles and correlations speak of, by id.

Source: ATT&CK for ICS v18.1 data (mitre/cti, 2025-11-13); ids and names were compared with that data. Techniques that nobody
here names are not in the table.
"""

from typing import Final

TECHNIQUES: Final[dict[str, str]] = {
    "T0800": "Activate Firmware Update Mode",
    "T0801": "Monitor Process State",
    "T0802": "Automated Collection",
    "T0803": "Block Command Message",
    "T0804": "Block Reporting Message",
    "T0806": "Brute Force I/O",
    "T0812": "Default Credentials",
    "T0814": "Denial of Service",
    "T0815": "Denial of View",
    "T0816": "Device Restart/Shutdown",
    "T0822": "External Remote Services",
    "T0826": "Loss of Availability",
    "T0830": "Adversary-in-the-Middle",
    "T0831": "Manipulation of Control",
    "T0832": "Manipulation of View",
    "T0836": "Modify Parameter",
    "T0837": "Loss of Protection",
    "T0840": "Network Connection Enumeration",
    "T0843": "Program Download",
    "T0846": "Remote System Discovery",
    "T0848": "Rogue Master",
    "T0849": "Masquerading",
    "T0855": "Unauthorized Command Message",
    "T0856": "Spoof Reporting Message",
    "T0857": "System Firmware",
    "T0858": "Change Operating Mode",
    "T0859": "Valid Accounts",
    "T0860": "Wireless Compromise",
    "T0861": "Point & Tag Identification",
    "T0862": "Supply Chain Compromise",
    "T0869": "Standard Application Layer Protocol",
    "T0872": "Indicator Removal on Host",
    "T0877": "I/O Image",
    "T0878": "Alarm Suppression",
    "T0882": "Theft of Operational Information",
    "T0883": "Internet Accessible Device",
    "T0884": "Connection Proxy",
    "T0886": "Remote Services",
    "T0888": "Remote System Information Discovery",
}
