export { signInPersonalData } from './declare-personal-data.ts';
export { hashPassword, isPassword } from './hash-password.ts';
export { refuseWeakPassword } from './refuse-common.ts';
export { createSignInGuard, deleteOldAttempts, type SignInGuard } from './sign-in-guard.ts';
