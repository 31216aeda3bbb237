/** The releases that later hosts run images of, oldest first: Windows Server 2022 and 2025. */
const LTSC_BUILDS = [20348, 26100] as const;

interface WindowsVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

function parseVersion(text: string): WindowsVersion | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,5})(?:\.|$)/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), build: Number(match[3]) };
}

/**
 * Tells whether a Windows host runs an image, by their versions. From Windows Server 2022 on, a
 * host runs images from the long-term release before it up to its own build; older hosts need the
 * same build. A version that is missing, or cannot be read on the side of the host, asks for
 * nothing.
 */
export function isWindowsCompatible(host: string | undefined, image: string | undefined): boolean {
  const hostVersion = parseVersion(host ?? "");
  if (hostVersion === undefined || image === undefined || image === "") return true;
  const imageVersion = parseVersion(image);
  if (imageVersion === undefined) return false;
  if (hostVersion.major !== imageVersion.major || hostVersion.minor !== imageVersion.minor) {
    return false;
  }
  if (hostVersion.build < LTSC_BUILDS[0]) return hostVersion.build === imageVersion.build;
  const oldest = LTSC_BUILDS.findLast((build) => build < hostVersion.build) ?? LTSC_BUILDS[0];
  return imageVersion.build >= oldest && imageVersion.build <= hostVersion.build;
}
