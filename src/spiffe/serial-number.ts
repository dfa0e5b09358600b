/** RFC 5280 §4.1.2.2: at most 20 octets. */
const serialOctetsMax = 20;

/** What is wrong with a serial number in hexadecimal, a clause that goes on from "the certificate …", or undefined. */
export function serialNumberProblem(serial: string): string | undefined {
  if (!/^(?:[0-9a-f]{2})+$/u.test(serial)) return 'has no serial number';
  if (/^0+$/u.test(serial)) return 'has the serial number 0';
  if (/^[89a-f]/u.test(serial)) return 'has a negative serial number';
  if (/^00[0-7]/u.test(serial)) return 'has a serial number with a needless leading octet';
  const octets = serial.length / 2;
  return octets > serialOctetsMax ? `has a serial number of ${octets} octets` : undefined;
}
