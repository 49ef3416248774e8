/** Secrets that stand word for word in specifications, tutorials and the example files of other products. */
export const knownSecrets: readonly string[] = [
  // RFC 7515 (appendix A.1) and RFC 7520 (3.5)
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
  // pages that explain JWT, and the first results of a search for it
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  'THIS IS USED TO SIGN AND VERIFY JWT TOKENS, REPLACE IT WITH YOUR OWN SECRET, IT CAN BE ANY STRING',
  'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.',
  '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
  '5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437',
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  '192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf',
  'hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk',
  '3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R',
  // files that others copy to start from
  'UpNVntn3cDxHJpq99YMc1T1AQgQpc8kfYTuRgBiYa15BLrx8etQoXz3gZv1/u2oq',
  '255d861b-5ea1-5996-9aa3-922530ec40b1',
  '6116487b-cda1-52c2-b5b5-c8022c45e263',
  'sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U',
  '60gp0byfz2dvffa45cxl20p1scy9xbpf6d8c5y0geejgkyp1b5',
  '6c1fe4e407b8911c104518103505b218',
  '5lrMXKKWCVocS/uerPsl7V+TX/aaUaI7iDkgl3tSmLE',
  'ThisTokenIsNotSoSecretChangeIt',
  'django-insecure-',
];

/** The words that made-up secrets are made of. */
export const secretWords: readonly string[] = (
  'able access actual add admin algorithm almanac another any api app application at auth authentication authorization ' +
  'backend base64 be before better bit bits brown bytes can change changed changeit changeme char character characters ' +
  'chars code company complex correct battery staple horse could create data database default demo deploy dev develop ' +
  'development do dog dont dummy encode encryption enough env environment example extra extremely fallback file for fox ' +
  'from generate generated generation generator hard has have hello here hmac hs256 hs384 hs512 i insecure instead is ' +
  'issuer it its jumps json jwt keep key keys lazy least length letmein local localhost login long longer make master ' +
  'min minimum more must my need needs never new node none not of on one only or our over padding pass passphrase ' +
  'password passw0rd please private prod production project public quick random randomly real really refresh replace ' +
  'required rsa safe sample secret secrets secure security server service session sha256 sha384 sha512 should sign ' +
  'signature signing so some something spring string strong super sure test testing that the them then this to token ' +
  'tokens top unsafe update use used user using value very want web welcome which will with word world you your ' +
  '123 1234 128 16 2023 2024 2025 2026 256 32 384 512 64'
).split(' ');
